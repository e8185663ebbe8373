// WorkBound: seconds below which no plan of given degrees takes a step, from its calls alone.
//
// A product is shared along its batch and the tensor-parallel factor that is chosen for it, as
// evenly as the largest share allows; everything else among all devices. Of what is exchanged only
// the sums of gradients count.
#pragma once

#include <functional>
#include <map>

#include "moai/compiler/planner/plan_window.h"

namespace moai::compiler {

// No more than the call takes on one device when all of it is done.
using CallSeconds = std::function<double(const ops::CallSignature&)>;

class WorkBound {
 public:
  // `planner` outlives it.
  WorkBound(WindowPlanner* planner, const CallSeconds& seconds);

  double step_s(const Degrees& degrees);
  // What a rank has when a step begins, of what the window reads first.
  double resident_bytes(const Degrees& degrees);
  // Of the gradients of trained parameters, on the fullest rank before they are shared along dp.
  double gradient_bytes(const Degrees& degrees);
  // Whether so many ranks can have parts of the batch.
  bool shares_batch(int dp);
  // The degrees without those along which nothing can be split.
  Degrees of_use(Degrees degrees);

 private:
  const std::vector<double>& tensor_shares(int tp);
  double home_bytes(const LayoutPlan& plan, SegmentId s) const;

  WindowPlanner& planner_;
  std::vector<double> seconds_;                       // by node
  std::vector<bool> product_;                         // by node
  std::vector<std::vector<FactorId>> batch_;          // by node: batch factors that it runs through
  std::map<int, std::vector<double>> tensor_shares_;  // by tp, by node
};

}  // namespace moai::compiler
