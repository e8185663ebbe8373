#include "moai/compiler/cost/kernel_cost.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "moai/compiler/cost/operator_times.h"

namespace moai::compiler::cost {
namespace {

using cluster::DeviceKind;
using cluster::GemmTime;

double flops_of(const Product& p) {
  return 2.0 * static_cast<double>(p.batch) * static_cast<double>(p.m) * static_cast<double>(p.n) *
         static_cast<double>(p.k);
}

// Thinner products are done by kernels of their own, which their bytes bound.
constexpr double kRampMax = 16;

double by_formula(const DeviceKind& d, tensor::DType dtype, const Product& p,
                  const KernelOptions& options) {
  const double reached =
      cluster::peak_flops(d, dtype, options.allow_tf32) * d.fitted.gemm_efficiency;
  const double ramp = 1.0 / static_cast<double>(p.m) + 1.0 / static_cast<double>(p.n) +
                      1.0 / static_cast<double>(p.k);
  return flops_of(p) / reached * std::min(1 + d.fitted.gemm_ramp * ramp, kRampMax);
}

// Squared, in doublings of each side.
double distance(const Product& a, const Product& b) {
  const auto doublings = [](int64_t x, int64_t y) {
    const double d = std::log2(static_cast<double>(x) / static_cast<double>(y));
    return d * d;
  };
  return doublings(a.m, b.m) + doublings(a.n, b.n) + doublings(a.k, b.k) +
         doublings(a.batch, b.batch);
}

struct Neighbour {
  double distance = INFINITY;
  double ratio = 1;  // measured ÷ formula
};
constexpr size_t kNeighbours = 4;

// Measured ÷ formula around `p`: the mean of the nearest rows by inverse squared distance.
double measured_ratio(const DeviceKind& d, tensor::DType dtype, const Product& p,
                      const KernelOptions& options) {
  std::array<Neighbour, kNeighbours + 1> nearest{};
  for (const GemmTime& row : d.gemm_times) {
    if (row.dtype != dtype) continue;
    const Product q{.batch = row.batch, .m = row.m, .n = row.n, .k = row.k};
    nearest.back() = {distance(p, q), row.seconds / by_formula(d, dtype, q, options)};
    std::ranges::sort(nearest, {}, &Neighbour::distance);
  }
  if (nearest[0].distance == 0) return nearest[0].ratio;
  double sum = 0;
  double weights = 0;
  for (size_t i = 0; i < kNeighbours && std::isfinite(nearest[i].distance); ++i) {
    sum += nearest[i].ratio / nearest[i].distance;
    weights += 1 / nearest[i].distance;
  }
  return weights > 0 ? sum / weights : 1;
}

}  // namespace

double product_seconds(const DeviceKind& d, tensor::DType dtype, const Product& p,
                       KernelOptions options) {
  if (flops_of(p) == 0) return 0;
  return by_formula(d, dtype, p, options) * measured_ratio(d, dtype, p, options);
}

double attention_seconds(const DeviceKind& d, tensor::DType dtype, double flops,
                         KernelOptions options) {
  return flops /
         (cluster::peak_flops(d, dtype, options.allow_tf32) * d.fitted.attention_efficiency);
}

double memory_seconds(const DeviceKind& d, double bytes) {
  return bytes * d.fitted.elementwise_traffic / d.memory_bytes_per_s;
}

double call_seconds(const DeviceKind& d, const CallWork& work, KernelOptions options) {
  const double bytes =
      static_cast<double>(work.bytes_read) + static_cast<double>(work.bytes_written);
  const double moving = bytes / d.memory_bytes_per_s;
  switch (work.kind) {
    case WorkKind::kNothing:
      return 0;
    case WorkKind::kMemory:
      return d.fitted.launch_s + memory_seconds(d, bytes);
    case WorkKind::kProduct: {
      // Complex products have more FLOPs than their sides say.
      const double each = flops_of(work.product);
      const double weight = each == 0 ? 0 : work.flops / each;
      return d.fitted.launch_s +
             std::max(moving, weight * product_seconds(d, work.dtype, work.product, options));
    }
    case WorkKind::kAttention:
      return d.fitted.launch_s +
             std::max(moving, attention_seconds(d, work.dtype, work.flops, options));
  }
  return 0;
}

double call_seconds(const DeviceKind& d, const ops::CallSignature& s, const CallWork& work,
                    KernelOptions options) {
  if (work.kind != WorkKind::kNothing) {
    if (const auto seconds = operator_seconds(d, s, work, options.cold)) return *seconds;
  }
  return call_seconds(d, work, options);
}

}  // namespace moai::compiler::cost
