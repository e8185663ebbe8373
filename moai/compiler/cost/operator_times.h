// Seconds of a call from the measured calls of its operator.
//
// The constants of the operator give a first guess; it is scaled by how far the nearest measured
// calls are from theirs, by inverse squared distance, in doublings of what makes up their shapes.
#pragma once

#include <optional>
#include <string>

#include "moai/cluster/device_kind.h"
#include "moai/compiler/cost/call_work.h"
#include "moai/compiler/cost/fetched_bytes.h"

namespace moai::compiler::cost {

// "aten::add.Tensor".
std::string operator_name(const ops::CallSignature& s);
// Of its first floating-point tensor, else of its first one.
tensor::DType operator_dtype(const ops::CallSignature& s);

// Of the constants alone.
double fitted_seconds(const cluster::OperatorTimes& op, const cluster::CallShape& shape);

// What a call takes longer for data that lie beyond caches.
double fetch_seconds(const cluster::OperatorTimes& op, const FetchedBytes& bytes);

// With what its rows say.
double table_seconds(const cluster::OperatorTimes& op, const cluster::CallShape& shape);

// The table of the call's operator. Where there is none that of another element type, or of another
// form of the operator, which writes elsewhere or has other overloads; null without any.
const cluster::OperatorTimes* operator_times(const cluster::DeviceKind& device,
                                             const ops::CallSignature& s);

// With its code beyond the processor's own cache where it is `cold`; nothing without a table.
std::optional<double> operator_seconds(const cluster::DeviceKind& device,
                                       const ops::CallSignature& s, const CallWork& work,
                                       bool cold = false);

}  // namespace moai::compiler::cost
