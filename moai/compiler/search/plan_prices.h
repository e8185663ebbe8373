// PlanPrices: bounds and prices of a search's candidates, with what they have in common.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "moai/compiler/search/candidates.h"
#include "moai/compiler/search/microbatch_windows.h"
#include "moai/compiler/search/pipeline_price.h"

namespace moai::compiler {

struct PricedPlan {
  PipelinePrice price{};
  PlannedWindow planned{};  // of one micro-batch, or of all that ranks run
  bool whole = false;       // priced as all of its programs
};

class PlanPrices {
 public:
  // All that is pointed at outlives it. `limit`: bytes of a device.
  PlanPrices(const RecordedStep& step, const cluster::Cluster& cluster, const Pins& pins,
             const PriceOptions& options, double limit, graph::SignatureTable* signatures);

  ModelLine& line() { return line_; }
  double limit() const { return limit_; }
  std::vector<Candidate> candidates();

  // From the window's calls, with what tensor parallel exchanges as far as that is known.
  void set_bound(Candidate* c);
  // With the calls of a micro-batch; false where no candidate with the same ones was priced yet.
  bool set_bound_by_calls(Candidate* c);

  // By the calls of a micro-batch: the best schedule that fits, else that which needs least.
  // Nothing where no micro-batch can be cut out, or the model has too few places.
  std::optional<PricedPlan> price(const Candidate& c);
  // As all programs of the whole window, which takes long where there are many calls.
  PricedPlan price_whole(const Degrees& degrees);
  size_t nodes(const Candidate& c) const;  // that this looks at, about

 private:
  // Of one micro-batch of the whole model on one device of dp × tp.
  struct Calls {
    double each_s = 0;   // with what tensor parallel exchanges
    double forward = 0;  // the part of it
    double kept = 0;
  };
  // Rows of a micro-batch on one rank, or how uneven they are cut; tp, sp.
  using Key = std::tuple<int64_t, int, int, bool, Recompute>;
  Key key(const Candidate& c) const;
  void note(const Candidate& c, const PlaceCosts& costs);
  std::vector<PipelineSchedule> by_idle(const Candidate& c, const Calls& calls) const;

  double again_s(const Degrees& d);
  double pipelined(const Candidate& c, double each, double forward) const;
  double once_s(const Candidate& c);
  double data_exchange_s(const Degrees& d, int microbatches);
  double least_bytes(const Candidate& c);
  bool fits(const PipelinePrice& p) const;
  bool before(const PipelinePrice& a, const PipelinePrice& b) const;

  const RecordedStep& step_;
  const cluster::Cluster& cluster_;
  const Pins pins_;
  const PriceOptions options_;
  const double limit_;
  graph::SignatureTable& signatures_;
  ModelLine line_;
  WorkBound bound_;
  MicrobatchWindows windows_;
  std::unique_ptr<WindowPlanner> whole_;
  std::map<Key, Calls> calls_;
  std::map<std::pair<int, bool>, double> tensor_exchange_;  // by tp and sp, of all of the batch
  std::map<std::tuple<int, int, Recompute>, double> again_;
  std::map<std::tuple<int, int, int, int, int>, double> data_exchange_;
};

}  // namespace moai::compiler
