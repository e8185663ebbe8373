#include "moai/compiler/cost/call_shape.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "moai/ops/call_tensors.h"

namespace moai::compiler::cost {
namespace {

using cluster::CallShape;
using Operands = std::vector<const ops::Arg*>;
using Results = std::vector<const ops::Result*>;

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
constexpr int kAllLayouts = kLayouts * kLayouts * kLayouts * kLayouts;

// Kernels differ in these: how many scalars are ints, whose types are made equal first; whether one
// element stands beside many; whether a scalar comes from the host; whether the elements that
// become one lie beside each other.
int traits_of(const ops::CallSignature& s, const Operands& operands, const Results& results,
              int64_t elements_max) {
  constexpr int kIntsMax = 3;
  const auto of_kind = [&](ops::ArgKind kind) {
    return static_cast<int>(std::ranges::count(s.args, kind, &ops::Arg::kind));
  };
  const bool one = std::ranges::any_of(operands, [&](const ops::Arg* a) {
    return elements_max > 1 && tensor::element_count(a->geometry) == 1;
  });
  const bool host = of_kind(ops::ArgKind::kHostScalar) > 0;
  bool reduces_last = false;
  if (!results.empty() && !operands.empty()) {
    const tensor::Geometry &from = operands[0]->geometry, &to = results[0]->geometry;
    const bool last_stays =
        !from.sizes.empty() && !to.sizes.empty() && from.sizes.back() == to.sizes.back();
    reduces_last = tensor::element_count(to) < tensor::element_count(from) && !last_stays;
  }
  return std::min(kIntsMax, of_kind(ops::ArgKind::kIntWord)) + (kIntsMax + 1) * one +
         2 * (kIntsMax + 1) * host + 4 * (kIntsMax + 1) * reduces_last;
}

// Layouts of up to four operands, and their traits as multiples of kAllLayouts.
double layout_of(const ops::CallSignature& s, const Operands& operands, const Results& results,
                 bool product) {
  if (operands.size() > kOperandsLaidOut) return 0;
  int64_t most = 0;
  for (const ops::Arg* a : operands) most = std::max(most, tensor::element_count(a->geometry));
  int number = 0;
  for (const ops::Arg* a : operands) {
    number = number * kLayouts + layout_of(a->geometry, product ? 0 : most);
  }
  return number + (product ? 0 : kAllLayouts * traits_of(s, operands, results, most));
}

// Kernels that go row by row: what is along the last dimension, where a call is one; else 0.
double row_of(const ops::CallSignature& s, const Operands& operands, const Results& results) {
  const bool lists =
      std::ranges::any_of(s.args, [](const ops::Arg& a) { return a.kind == ops::ArgKind::kList; });
  if (lists || operands.empty() || operands[0]->geometry.sizes.empty()) return 0;
  const tensor::Geometry& from = operands[0]->geometry;
  const auto named = [&](std::string_view part) { return s.op.find(part) != std::string::npos; };
  const bool resizes = !results.empty() &&
                       tensor::element_count(results[0]->geometry) != tensor::element_count(from);
  const bool by_row = resizes || named("softmax") || named("norm") || named("cum") || named("sort");
  return by_row ? static_cast<double>(from.sizes.back()) : 0;
}

double doublings(double a, double b) { return std::log2((1 + a) / (1 + b)); }

constexpr double kOtherLayout = 25;

double layout_distance(double a, double b) {
  if (a == b) return 0;
  const auto x = static_cast<int>(a), y = static_cast<int>(b);
  return kOtherLayout *
         ((x % kAllLayouts != y % kAllLayouts) + (x / kAllLayouts != y / kAllLayouts));
}

}  // namespace

CallShape call_shape(const ops::CallSignature& s, const CallWork& work) {
  CallShape shape{.bytes_read = static_cast<double>(work.bytes_read),
                  .bytes_written = static_cast<double>(work.bytes_written),
                  .flops = work.flops};
  const auto see = [&](const tensor::Geometry& g) {
    ++shape.tensors;
    shape.runs = std::max(shape.runs, runs_of(g));
  };
  const Operands operands = ops::tensor_operands(s);
  const Results results = ops::fresh_results(s);
  for (const ops::Arg* a : operands) see(a->geometry);
  for (const ops::Result* r : results) see(r->geometry);
  shape.layout = layout_of(s, operands, results, work.kind == WorkKind::kProduct);
  if (work.kind != WorkKind::kProduct) {
    shape.n = row_of(s, operands, results);
    return shape;
  }
  shape.batch = static_cast<double>(work.product.batch * work.products);
  shape.m = static_cast<double>(work.product.m);
  shape.n = static_cast<double>(work.product.n);
  shape.k = static_cast<double>(work.product.k);
  return shape;
}

double shape_distance(const CallShape& a, const CallShape& b, double enough) {
  constexpr double kBytes = 0.5;  // they say the same in part
  double sum = layout_distance(a.layout, b.layout);
  const auto add = [&](double x, double y, double weight) {
    if (x == y || sum >= enough) return;
    const double d = doublings(x, y);
    sum += weight * d * d;
  };
  add(a.m, b.m, 1);
  if (a.n > 0 && b.n > 0) add(a.n, b.n, 1);  // older descriptions know of no rows
  add(a.k, b.k, 1);
  add(a.batch, b.batch, 1);
  add(a.bytes_read, b.bytes_read, kBytes);
  add(a.bytes_written, b.bytes_written, kBytes);
  add(a.tensors, b.tensors, 1);
  add(a.flops, b.flops, kBytes);
  add(a.runs, b.runs, kBytes);
  return sum;
}

}  // namespace moai::compiler::cost
