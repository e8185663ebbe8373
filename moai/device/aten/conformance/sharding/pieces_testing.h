// Cutting tensors along a factor, and putting pieces together again. For tests.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "moai/ops/sharding/rule.h"

namespace moai::device::sharding {

using at::Tensor;
using Sizes = std::vector<int64_t>;

// How long each of `count` pieces of `size` is: the first ones are one longer, so that few are
// equal; nothing where one would be empty.
inline std::optional<Sizes> lengths_of(int64_t size, int64_t count) {
  if (size < count) return std::nullopt;
  Sizes lengths(static_cast<size_t>(count), size / count);
  for (int64_t i = 0; i < size % count; ++i) ++lengths[static_cast<size_t>(i)];
  if (lengths.front() == lengths.back() && lengths.back() > 1) {
    ++lengths.front();
    --lengths.back();
  }
  return lengths;
}

// Sizes of all factors, of which that of `f` is `length`.
inline Sizes factor_sizes(const ops::ShardingRule& rule, size_t f, int64_t length) {
  Sizes sizes;
  for (const ops::RuleFactor& factor : rule.factors) sizes.push_back(factor.size);
  if (f < sizes.size()) sizes[f] = length;
  return sizes;
}

inline Sizes shape_of(const ops::FactorDims& dims, const Sizes& sizes) {
  Sizes shape;
  for (const auto& dim : dims) {
    shape.push_back(1);
    for (const ops::FactorIndex f : dim) shape.back() *= sizes[f];
  }
  return shape;
}

// A dimension for each factor; one of size 1 where a dimension has none.
struct Spread {
  Sizes shape;
  std::vector<int64_t> places;  // of the factor that was asked for
};
inline Spread spread_of(const ops::FactorDims& dims, const Sizes& sizes, size_t f) {
  Spread spread;
  for (const auto& dim : dims) {
    if (dim.empty()) spread.shape.push_back(1);
    for (const ops::FactorIndex factor : dim) {
      if (factor == f) spread.places.push_back(static_cast<int64_t>(spread.shape.size()));
      spread.shape.push_back(sizes[factor]);
    }
  }
  return spread;
}

inline bool stands_in(size_t f, const ops::FactorDims& dims) {
  return std::ranges::any_of(dims, [f](const auto& dim) {
    return std::ranges::find(dim, static_cast<ops::FactorIndex>(f)) != dim.end();
  });
}

inline Tensor piece_of(const Tensor& whole, const ops::FactorDims& dims,
                       const ops::ShardingRule& rule, size_t f, int64_t begin, int64_t length) {
  if (!stands_in(f, dims)) return whole.clone(at::MemoryFormat::Contiguous);
  const Sizes sizes = factor_sizes(rule, f, rule.factors[f].size);
  const Spread spread = spread_of(dims, sizes, f);
  Tensor piece = whole.reshape(spread.shape);
  for (const int64_t place : spread.places) piece = piece.narrow(place, begin, length);
  return piece.reshape(shape_of(dims, factor_sizes(rule, f, length)))
      .clone(at::MemoryFormat::Contiguous);
}

inline Tensor put_together(const std::vector<Tensor>& pieces, const ops::FactorDims& dims,
                           const ops::ShardingRule& rule, size_t f, const Sizes& lengths) {
  std::vector<Tensor> spread;
  int64_t place = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Spread one = spread_of(dims, factor_sizes(rule, f, lengths[i]), f);
    TORCH_CHECK(one.places.size() == 1, "a factor stands in a result more than once");
    place = one.places[0];
    spread.push_back(pieces[i].reshape(one.shape));
  }
  return at::cat(spread, place)
      .reshape(shape_of(dims, factor_sizes(rule, f, rule.factors[f].size)));
}

inline Tensor combined(const std::vector<Tensor>& all, ops::Reduction reduction) {
  const Tensor stacked = at::stack(all);
  switch (reduction) {
    case ops::Reduction::kSum:
      return stacked.sum(0).to(stacked.scalar_type());
    case ops::Reduction::kMax:
      return stacked.amax(0);
    case ops::Reduction::kMin:
      return stacked.amin(0);
    case ops::Reduction::kAll:
      return stacked.all(0);
    case ops::Reduction::kAny:
      return stacked.any(0);
    case ops::Reduction::kProduct:
      return stacked.prod(0).to(stacked.scalar_type());
    case ops::Reduction::kNorm2:
      return stacked.square().sum(0).sqrt();
  }
  return {};
}

// Of numbers with as many digits as the fewest of `tensors` have.
inline double tolerance_of(const std::vector<Tensor>& tensors, double tolerance = 1e-9) {
  for (const Tensor& t : tensors) {
    if (!t.defined()) continue;
    if (t.scalar_type() == at::kFloat) tolerance = std::max(tolerance, 1e-4);
    if (t.scalar_type() == at::kHalf || t.scalar_type() == at::kBFloat16) {
      tolerance = std::max(tolerance, 3e-2);
    }
  }
  return tolerance;
}

// The tolerance is relative to the largest number.
inline bool are_close(const Tensor& a, const Tensor& b, double tolerance) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  if (!at::isFloatingType(a.scalar_type()) && !at::isComplexType(a.scalar_type())) {
    return a.equal(b);
  }
  if (a.numel() == 0) return true;
  const double largest = b.abs().to(at::kDouble).nan_to_num(0, 0, 0).max().item<double>();
  return at::allclose(a, b, tolerance, tolerance * std::max(largest, 1e-3), true);
}

}  // namespace moai::device::sharding
