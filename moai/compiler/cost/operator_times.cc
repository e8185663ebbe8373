#include "moai/compiler/cost/operator_times.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "moai/compiler/cost/call_shape.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler::cost {
namespace {

using cluster::CallShape;
using cluster::OperatorTimes;

bool is_real(tensor::DType t) {
  using tensor::DType;
  return t == DType::kFloat32 || t == DType::kFloat64 || t == DType::kFloat16 ||
         t == DType::kBFloat16;
}

constexpr size_t kNeighbours = 4;
constexpr double kNear = 0.02;  // so far single measurements may be off

struct Neighbour {
  double distance = INFINITY;
  double ratio = 1;  // measured ÷ fitted
};
// Nearest first.
using Neighbours = std::array<Neighbour, kNeighbours>;

void insert(const Neighbour& n, Neighbours* nearest) {
  size_t at = kNeighbours - 1;
  for (; at > 0 && (*nearest)[at - 1].distance > n.distance; --at) {
    (*nearest)[at] = (*nearest)[at - 1];
  }
  (*nearest)[at] = n;
}

double measured_ratio(const OperatorTimes& op, const CallShape& shape) {
  Neighbours nearest{};
  for (const OperatorTimes::Row& row : op.rows) {
    const double distance = shape_distance(shape, row.shape, nearest.back().distance);
    if (distance >= nearest.back().distance) continue;
    const double fitted = fitted_seconds(op, row.shape);
    if (fitted > 0) insert({distance, row.seconds / fitted}, &nearest);
  }
  double sum = 0, weights = 0;
  for (size_t i = 0; i < kNeighbours && std::isfinite(nearest[i].distance); ++i) {
    const double weight = 1 / (nearest[i].distance + kNear);
    sum += weight * nearest[i].ratio;
    weights += weight;
  }
  return weights > 0 ? sum / weights : 1;
}

// "aten::add" of "aten::add_.Scalar".
std::string_view base_name(std::string_view name) {
  name = name.substr(0, name.find('.'));
  return name.ends_with('_') ? name.substr(0, name.size() - 1) : name;
}

}  // namespace

std::string operator_name(const ops::CallSignature& s) {
  return s.overload.empty() ? s.op : s.op + "." + s.overload;
}

tensor::DType operator_dtype(const ops::CallSignature& s) {
  std::optional<tensor::DType> first;
  const auto see = [&](tensor::DType t) {
    if (!first || (!is_real(*first) && is_real(t))) first = t;
  };
  for (const ops::Arg* a : ops::tensor_operands(s)) see(a->geometry.dtype);
  for (const ops::Result* r : ops::fresh_results(s)) see(r->geometry.dtype);
  return first.value_or(tensor::DType::kFloat32);
}

double fitted_seconds(const OperatorTimes& op, const CallShape& c) {
  return op.call_s + op.tensor_s * c.tensors + op.byte_s * (c.bytes_read + c.bytes_written) +
         op.flop_s * c.flops + op.run_s * c.runs;
}

double fetch_seconds(const OperatorTimes& op, const FetchedBytes& bytes) {
  return op.cold_byte_s * bytes.beyond_own + op.far_byte_s * bytes.beyond_shared;
}

double table_seconds(const OperatorTimes& op, const CallShape& shape) {
  return fitted_seconds(op, shape) * measured_ratio(op, shape);
}

const OperatorTimes* operator_times(const cluster::DeviceKind& device,
                                    const ops::CallSignature& s) {
  const std::string name = operator_name(s);
  const std::string_view base = base_name(s.op);
  const tensor::DType dtype = operator_dtype(s);
  const OperatorTimes* best = nullptr;
  int least = 4;
  for (const OperatorTimes& o : device.operators) {
    const bool same = o.name == name;
    if (!same && base_name(o.name) != base) continue;
    const int otherwise = (same ? 0 : 2) + (o.dtype == dtype ? 0 : 1);
    if (otherwise < least) best = &o, least = otherwise;
  }
  return best;
}

std::optional<double> operator_seconds(const cluster::DeviceKind& device,
                                       const ops::CallSignature& s, const CallWork& work,
                                       bool cold) {
  const OperatorTimes* op = operator_times(device, s);
  if (!op) return std::nullopt;
  return table_seconds(*op, call_shape(s, work)) + (cold ? op->cold_call_s : 0);
}

}  // namespace moai::compiler::cost
