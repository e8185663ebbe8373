// From measured calls to the tables of their operators.
#pragma once

#include <span>
#include <vector>

#include "moai/cluster/device_kind.h"
#include "moai/compiler/cost/fetched_bytes.h"
#include "moai/ops/call.h"

namespace moai::compiler::cost {

struct MeasuredCall {
  ops::CallSignature signature{};
  double seconds = 0;
  double cold_s = 0;  // 0: not measured
  double far_s = 0;   // likewise
};

struct OperatorFitOptions {
  size_t rows_max = 256;  // kept of an operator with one element type
  size_t product_rows_max = 4096;
  Caches caches{};  // of who was measured
};

// By name and element type. Constants are never negative and come closest in relative error; of the
// calls those are kept whose shapes lie farthest apart, or whose seconds the others do not tell.
std::vector<cluster::OperatorTimes> fit_operators(std::span<const MeasuredCall> calls,
                                                  const OperatorFitOptions& options = {});

// Peaks, bandwidth and the constants of calls without a table, from the same calls: at least what
// the best of them reached, so that bounds hold.
void fit_device(std::span<const MeasuredCall> calls, cluster::DeviceKind* device);

}  // namespace moai::compiler::cost
