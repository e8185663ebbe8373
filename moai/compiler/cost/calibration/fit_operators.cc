#include "moai/compiler/cost/calibration/fit_operators.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>

#include "moai/compiler/cost/call_shape.h"
#include "moai/compiler/cost/kernel_cost.h"
#include "moai/compiler/cost/operator_times.h"

namespace moai::compiler::cost {
namespace {

using cluster::CallShape;
using cluster::OperatorTimes;

constexpr size_t kConstants = 5;
// Of calls whose cold code is what they wait for, and of those that wait for data.
constexpr double kSmallBytes = 4096, kLargeBytes = 65536;
using Terms = std::array<double, kConstants>;

Terms terms_of(const CallShape& c) {
  return {1, c.tensors, c.bytes_read + c.bytes_written, c.flops, c.runs};
}

// Least squares of relative errors without negative constants, one constant after the other.
Terms fitted(const std::vector<OperatorTimes::Row>& rows) {
  constexpr int kRounds = 3000;
  std::vector<Terms> terms;
  Terms norms{}, x{};
  for (const OperatorTimes::Row& row : rows) {
    Terms t = terms_of(row.shape);
    for (size_t i = 0; i < kConstants; ++i) {
      t[i] /= row.seconds;
      norms[i] += t[i] * t[i];
    }
    terms.push_back(t);
  }
  std::vector<double> left(rows.size(), 1.0);  // of what is wanted, which is 1
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < kConstants; ++i) {
      if (norms[i] == 0) continue;
      double slope = 0;
      for (size_t r = 0; r < rows.size(); ++r) slope += terms[r][i] * left[r];
      const double next = std::max(0.0, x[i] + slope / norms[i]);
      for (size_t r = 0; r < rows.size(); ++r) left[r] -= terms[r][i] * (next - x[i]);
      x[i] = next;
    }
  }
  return x;
}

// Of calls with one shape the middle one.
std::vector<OperatorTimes::Row> merged(std::vector<OperatorTimes::Row> rows) {
  std::vector<OperatorTimes::Row> out;
  const auto key = [](const OperatorTimes::Row& r) {
    const CallShape& c = r.shape;
    return std::tuple(c.tensors, c.bytes_read, c.bytes_written, c.flops, c.batch, c.m, c.n, c.k,
                      c.runs, c.layout, r.seconds);
  };
  std::ranges::sort(rows, {}, key);
  for (size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    while (end < rows.size() && rows[end].shape == rows[begin].shape) ++end;
    out.push_back(rows[begin + (end - begin) / 2]);
  }
  return out;
}

// Of the values of all operators; 0 where there are none.
double quantile(const std::map<std::string, double>& values, double part) {
  std::vector<double> sorted;
  for (const auto& [name, value] : values) sorted.push_back(value);
  std::ranges::sort(sorted);
  if (sorted.empty()) return 0;
  return sorted[static_cast<size_t>(part * static_cast<double>(sorted.size() - 1))];
}

double middle(std::vector<double> v) {
  if (v.empty()) return 0;
  const auto at = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::ranges::nth_element(v, at);
  return std::max(0.0, *at);
}

// What calls take more than warm or cold ones.
struct More {
  std::vector<OperatorTimes::Row> cold{}, far{};
};

// More seconds a byte; of calls that fill a cache by themselves only what they would find there.
double by_byte(const std::vector<OperatorTimes::Row>& more, double call_s, double cache_bytes) {
  constexpr double kFoundMin = 0.5;
  std::vector<double> seconds;
  for (const OperatorTimes::Row& r : more) {
    const double bytes = r.shape.bytes_read + r.shape.bytes_written;
    const double found = 1 - lost_part(bytes, cache_bytes);
    if (bytes < kLargeBytes || found < kFoundMin) continue;
    seconds.push_back((r.seconds - call_s) / (bytes * found));
  }
  return middle(std::move(seconds));
}

// By how much calls are longer cold: a middle one of what small calls take more, then of what each
// byte does. Both are small beside what a call takes, so that outliers would show in squares.
void fit_more(const More& more, const Caches& caches, OperatorTimes* op) {
  std::vector<double> small;
  for (const OperatorTimes::Row& r : more.cold) {
    if (r.shape.bytes_read + r.shape.bytes_written <= kSmallBytes) small.push_back(r.seconds);
  }
  op->cold_call_s = middle(std::move(small));
  op->cold_byte_s = by_byte(more.cold, op->cold_call_s, caches.own);
  op->far_byte_s = by_byte(more.far, 0, caches.shared);
}

// A quarter whose shapes lie farthest apart, then those whose seconds the ones before tell worst:
// at some sizes kernels change, and in between they do not.
std::vector<OperatorTimes::Row> kept(const std::vector<OperatorTimes::Row>& rows, size_t most,
                                     OperatorTimes op) {
  constexpr size_t kRounds = 16;
  most = std::min(most, rows.size());
  std::vector<double> apart(rows.size(), INFINITY);  // from the nearest that is kept
  const auto keep = [&](size_t at) {
    op.rows.push_back(rows[at]);
    for (size_t i = 0; i < rows.size(); ++i) {
      apart[i] = std::min(apart[i], shape_distance(rows[i].shape, rows[at].shape));
    }
    apart[at] = -1;
  };
  const size_t by_shape = most == rows.size() ? most : most / 4;
  while (op.rows.size() < by_shape) {
    keep(static_cast<size_t>(std::ranges::max_element(apart) - apart.begin()));
  }
  while (op.rows.size() < most) {
    std::vector<std::pair<double, size_t>> off;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (apart[i] < 0) continue;
      off.emplace_back(std::abs(std::log(table_seconds(op, rows[i].shape) / rows[i].seconds)), i);
    }
    const size_t more = std::min(most - op.rows.size(), (most - by_shape + kRounds - 1) / kRounds);
    std::ranges::partial_sort(off, off.begin() + static_cast<std::ptrdiff_t>(more), std::greater{});
    for (size_t i = 0; i < more; ++i) keep(off[i].second);
  }
  return std::move(op.rows);
}

OperatorTimes fit(const std::string& name, tensor::DType dtype,
                  const std::vector<OperatorTimes::Row>& measured,
                  const OperatorFitOptions& options) {
  const std::vector<OperatorTimes::Row> rows = merged(measured);
  const Terms x = fitted(rows);
  OperatorTimes op{.name = name,
                   .dtype = dtype,
                   .call_s = x[0],
                   .tensor_s = x[1],
                   .byte_s = x[2],
                   .flop_s = x[3],
                   .run_s = x[4]};
  const bool product = rows[0].shape.m > 0;
  op.rows = kept(rows, product ? options.product_rows_max : options.rows_max, op);
  return op;
}

}  // namespace

std::vector<OperatorTimes> fit_operators(std::span<const MeasuredCall> calls,
                                         const OperatorFitOptions& options) {
  std::map<std::pair<std::string, tensor::DType>, std::vector<OperatorTimes::Row>> groups;
  std::map<std::pair<std::string, tensor::DType>, More> more;
  for (const MeasuredCall& c : calls) {
    const std::pair key(operator_name(c.signature), operator_dtype(c.signature));
    const CallShape shape = call_shape(c.signature, call_work(c.signature));
    groups[key].push_back({shape, c.seconds});
    if (c.cold_s > 0) more[key].cold.push_back({shape, c.cold_s - c.seconds});
    if (c.far_s > 0) more[key].far.push_back({shape, c.far_s - std::max(c.seconds, c.cold_s)});
  }
  std::vector<OperatorTimes> out;
  for (const auto& [key, rows] : groups) {
    out.push_back(fit(key.first, key.second, rows, options));
    fit_more(more[key], options.caches, &out.back());
  }
  return out;
}

void fit_device(std::span<const MeasuredCall> calls, cluster::DeviceKind* device) {
  std::map<tensor::DType, double> peaks;
  std::map<std::string, double> bandwidths;
  std::map<std::string, double> launches;
  for (const MeasuredCall& c : calls) {
    const CallWork work = call_work(c.signature);
    if (work.kind == WorkKind::kNothing) continue;
    double& launch = launches.try_emplace(operator_name(c.signature), c.seconds).first->second;
    launch = std::min(launch, c.seconds);
    const auto bytes = static_cast<double>(work.bytes_read + work.bytes_written);
    double& bandwidth = bandwidths[operator_name(c.signature)];
    bandwidth = std::max(bandwidth, bytes / c.seconds);
    double& peak = peaks[work.dtype];
    if (work.flops > 0) peak = std::max(peak, work.flops / c.seconds);
  }
  // Some operators touch less than they are given.
  device->memory_bytes_per_s = quantile(bandwidths, 0.9);
  const auto peak = [&](tensor::DType dtype, double otherwise) {
    const auto found = peaks.find(dtype);
    return found == peaks.end() || found->second == 0 ? otherwise : found->second;
  };
  cluster::PeakFlops& p = device->peak;
  p.fp32 = peak(tensor::DType::kFloat32, peak(tensor::DType::kFloat64, 1e9));
  p.fp64 = peak(tensor::DType::kFloat64, p.fp32);
  p.tf32 = p.fp32;
  p.fp16 = peak(tensor::DType::kFloat16, p.fp32);
  p.bf16 = peak(tensor::DType::kBFloat16, p.fp32);
  device->fitted = {.gemm_efficiency = 1,
                    .gemm_ramp = 0,
                    .elementwise_traffic = 1,
                    .attention_efficiency = 1,
                    .launch_s = quantile(launches, 0.5),
                    .overlap_slowdown = 1};
}

}  // namespace moai::compiler::cost
