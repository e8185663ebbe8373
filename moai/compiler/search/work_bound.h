// WorkBound: seconds and bytes below which no plan of given degrees is, from the window's calls.
//
// A product is shared along its batch and the tensor-parallel factor that is chosen for it, as
// evenly as the largest share allows; everything else among all devices. Calls take what they take
// without launches, and as if all of the batch ran at once. docs/design/021
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "moai/compiler/planner/step_price.h"
#include "moai/compiler/search/model_line.h"

namespace moai::compiler {

class WorkBound {
 public:
  // All outlive it.
  WorkBound(const ModelLine* line, const cluster::Cluster* cluster, const PriceOptions& options);

  // Of the whole model's calls on dp × tp devices.
  struct Work {
    double forward_s = 0, backward_s = 0, optimizer_s = 0;
  };
  const Work& work(int dp, int tp);
  // Of calls that are made again, by node of the line's window.
  double again_s(const std::vector<bool>& again, int dp, int tp);

  // Of the whole model on one device of tp, not shared along dp.
  struct Bytes {
    double parameters = 0, state = 0;  // there when the step begins
    double gradients = 0;              // of trained parameters
    // Of these, of each that is more than a bundle of exchanges, and how many there are of it.
    std::vector<std::pair<double, double>> alone{};
  };
  const Bytes& bytes(int tp);

  // Whether so many ranks can have parts of the batch.
  bool shares_batch(int dp) const;
  // The degrees without those along which nothing can be split.
  Degrees of_use(Degrees degrees);

 private:
  double share(NodeId n, int dp, const std::vector<double>& tensor, int tp) const;
  const std::vector<double>& tensor_shares(int tp);
  double home_bytes(const LayoutPlan& plan, SegmentId s) const;

  const ModelLine& line_;
  WindowPlanner& planner_;
  std::vector<double> seconds_;                       // by node, of all it stands for
  std::vector<bool> product_;                         // by node
  std::vector<std::vector<FactorId>> batch_;          // by node: batch factors that it runs through
  std::map<int, std::vector<double>> tensor_shares_;  // by tp, by node
  std::map<std::pair<int, int>, Work> works_;
  std::map<int, Bytes> bytes_;
};

}  // namespace moai::compiler
