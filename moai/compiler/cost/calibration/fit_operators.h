// From measured calls to the tables of their operators.
#pragma once

#include <span>
#include <vector>

#include "moai/cluster/device_kind.h"
#include "moai/ops/call.h"

namespace moai::compiler::cost {

struct MeasuredCall {
  ops::CallSignature signature{};
  double seconds = 0;
};

struct OperatorFitOptions {
  size_t rows_max = 48;      // kept of an operator with one element type
  double good_enough = 0.02;  // relative; rows that are met by less are left out
};

// By name and element type. Constants are never negative and come closest in relative error; of the
// calls those are kept that they, with what was kept before, meet worst.
std::vector<cluster::OperatorTimes> fit_operators(std::span<const MeasuredCall> calls,
                                                  const OperatorFitOptions& options = {});

// Peaks, bandwidth and the constants of calls without a table, from the same calls: at least what
// the best of them reached, so that bounds hold.
void fit_device(std::span<const MeasuredCall> calls, cluster::DeviceKind* device);

}  // namespace moai::compiler::cost
