#include "moai/compiler/cost/operator_times.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

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

// Pieces of memory that a walk over the tensor finds; dimensions that follow each other are one.
double runs_of(const tensor::Geometry& g) {
  std::vector<size_t> order(g.sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t d) { return g.strides[d]; });
  int64_t together = 1;
  double elements = 1;
  bool ended = false;
  for (const size_t d : order) {
    if (g.sizes[d] == 1 || g.strides[d] == 0) continue;
    elements *= static_cast<double>(g.sizes[d]);
    ended |= g.strides[d] != together;
    if (!ended) together *= g.sizes[d];
  }
  return elements / static_cast<double>(together);
}

// How an operand lies: whole, of few elements that are read again, permuted, with gaps.
int layout_of(const tensor::Geometry& g, int64_t elements_max) {
  if (tensor::element_count(g) <= 1) return 0;
  int64_t extent = 1;
  bool repeats = false;
  for (size_t d = 0; d < g.sizes.size(); ++d) {
    repeats |= g.strides[d] == 0 && g.sizes[d] > 1;
    extent += (g.sizes[d] - 1) * g.strides[d];
  }
  if (repeats) return 1;
  tensor::Geometry at_start = g;
  at_start.offset = 0;
  if (tensor::is_contiguous(at_start)) return tensor::element_count(g) < elements_max ? 2 : 0;
  return extent == tensor::element_count(g) ? 3 : 4;
}
constexpr int kLayouts = 5;
constexpr size_t kOperandsLaidOut = 4;  // lists lie whole

double layout_of(const ops::CallSignature& s, bool product) {
  const auto operands = ops::tensor_operands(s);
  if (operands.size() > kOperandsLaidOut) return 0;
  int64_t most = 0;
  for (const ops::Arg* a : operands) most = std::max(most, tensor::element_count(a->geometry));
  double number = 0;
  for (const ops::Arg* a : operands) {
    number = number * kLayouts + layout_of(a->geometry, product ? 0 : most);
  }
  return number;
}

double doublings(double a, double b) { return std::log2((1 + a) / (1 + b)); }

constexpr double kOtherLayout = 25;

constexpr size_t kNeighbours = 4;
constexpr double kNear = 0.02;  // so far single measurements may be off

struct Neighbour {
  double distance = INFINITY;
  double ratio = 1;  // measured ÷ fitted
};

double measured_ratio(const OperatorTimes& op, const CallShape& shape) {
  std::array<Neighbour, kNeighbours + 1> nearest{};
  for (const OperatorTimes::Row& row : op.rows) {
    const double fitted = fitted_seconds(op, row.shape);
    if (!(fitted > 0)) continue;
    nearest.back() = {shape_distance(shape, row.shape), row.seconds / fitted};
    std::ranges::sort(nearest, {}, &Neighbour::distance);
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

CallShape call_shape(const ops::CallSignature& s, const CallWork& work) {
  CallShape shape{.bytes_read = static_cast<double>(work.bytes_read),
                  .bytes_written = static_cast<double>(work.bytes_written),
                  .flops = work.flops};
  const auto see = [&](const tensor::Geometry& g) {
    ++shape.tensors;
    shape.runs = std::max(shape.runs, runs_of(g));
  };
  for (const ops::Arg* a : ops::tensor_operands(s)) see(a->geometry);
  for (const ops::Result* r : ops::fresh_results(s)) see(r->geometry);
  shape.layout = layout_of(s, work.kind == WorkKind::kProduct);
  if (work.kind != WorkKind::kProduct) return shape;
  shape.batch = static_cast<double>(work.product.batch * work.products);
  shape.m = static_cast<double>(work.product.m);
  shape.n = static_cast<double>(work.product.n);
  shape.k = static_cast<double>(work.product.k);
  return shape;
}

double shape_distance(const CallShape& a, const CallShape& b) {
  constexpr double kBytes = 0.5;  // they say the same in part
  double sum = 0;
  const auto add = [&](double x, double y, double weight) {
    const double d = doublings(x, y);
    sum += weight * d * d;
  };
  add(a.tensors, b.tensors, 1);
  add(a.bytes_read, b.bytes_read, kBytes);
  add(a.bytes_written, b.bytes_written, kBytes);
  add(a.batch, b.batch, 1);
  add(a.m, b.m, 1);
  add(a.n, b.n, 1);
  add(a.k, b.k, 1);
  add(a.flops, b.flops, kBytes);
  add(a.runs, b.runs, kBytes);
  return sum + (a.layout == b.layout ? 0 : kOtherLayout);
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
