// PlaceCosts: what a micro-batch costs one rank at each place of a model's line, counted from the
// calls that are emitted for it.
#pragma once

#include "moai/compiler/planner/step_price.h"
#include "moai/compiler/search/model_line.h"

namespace moai::compiler {

// Of a rank. Seconds of calls that micro-batches run, and of those that run once a step.
struct PlaceCost {
  double forward_s = 0, input_s = 0, weight_s = 0;  // with what is called again
  double once_s = 0;
  double forward_exchange_s = 0, backward_exchange_s = 0, once_exchange_s = 0;
  double once_beside_s = 0;                        // apart: what may run beside passes (overlap)
  double forward_data_s = 0, backward_data_s = 0;  // of the first two, for what dp exchanges
  // Were nothing beside them: a micro-batch's exchanges of the backward part, and all along dp.
  double backward_links_s = 0, data_links_s = 0;
  double adding_s = 0;  // gradients to those of the micro-batches before
  double flops = 0, calls = 0, once_calls = 0;
  double parameters = 0, state = 0, data = 0;  // bytes that lie there when a step begins
  double gradients = 0;                        // bytes that the optimizer waits for
  double left = 0;         // of them, what micro-batches leave that is no weight's
  double kept = 0;         // bytes from forward to backward
  double beside = 0;       // bytes at most beside all of these, in a call of a micro-batch
  double once_beside = 0;  // the same in the optimizer's calls, which adds up over places
  double workspace = 0;    // of them
  double weights = 0;

  PlaceCost& operator+=(const PlaceCost& other);  // `beside` is the larger one
  double backward_s() const { return input_s + weight_s; }
  // Of a micro-batch, with exchanges; as if dp exchanged nothing.
  double forward_of_batch() const { return forward_s + forward_exchange_s - forward_data_s; }
  double input_of_batch() const { return input_s + backward_exchange_s - backward_data_s; }
  double resident() const { return parameters + state + data; }
};

struct PlaceCosts {
  std::vector<PlaceCost> places{};  // of the line
  PlaceCost common{};               // of no place: every stage has it
  struct Traffic {
    double collectives = 0, received_bytes = 0, seconds = 0;
  };
  // Of all the model's layers on one rank: of each micro-batch and once, on one axis.
  struct Along {
    Traffic each{}, once{};
  };
  Along tensor{}, context{}, data{};
  static Along PlaceCosts::* along(std::string_view axis) {
    return axis == "tp"   ? &PlaceCosts::tensor
           : axis == "cp" ? &PlaceCosts::context
                          : &PlaceCosts::data;
  }
  double tensor_bandwidth_s = 0;    // of `each` along tp and cp, were there no latency
  std::vector<WholeCalls> whole{};  // of all layers, for one micro-batch; lines are marks
};

// What micro-batches cost as `each` says, with what a step costs once, and what lies there, as
// `once` says: of one line, of plans that differ in what the other part does not depend on.
PlaceCosts combine(PlaceCosts each, const PlaceCosts& once);

// `planned`: of a window of one micro-batch (microbatch_windows.h), on the mesh of one stage.
PlaceCosts place_costs(const ModelLine& line, const PlannedWindow& planned,
                       const cluster::Cluster& cluster, const PriceOptions& options);

}  // namespace moai::compiler
