// The automatic plan beside all that could be forced, and its predicted beside its simulated step.
#pragma once

#include <cmath>

#include "moai/compiler/conformance/virtual/virtual_step.h"

namespace moai::compiler {

struct ComparedPlan {
  Degrees degrees{};
  double predicted_s = 0, simulated_s = 0;

  double error() const { return predicted_s / simulated_s - 1; }
};

// The automatic plan's error where calls of a class take `factor` times what was measured.
struct ClassShift {
  std::string_view of_class{};
  double factor = 1, share = 0;  // of the class in the step as it was measured
  double error = 0;
};

struct PlanComparison {
  ComparedPlan chosen{}, best{}, worst{};  // best by what was simulated, worst by its error
  size_t plans = 0;
  std::vector<ClassShift> shifts{};
};

Result<PlanComparison> compare_plans(Model* model, const device::TimeTable& times,
                                     const cluster::Cluster& cluster);

}  // namespace moai::compiler
