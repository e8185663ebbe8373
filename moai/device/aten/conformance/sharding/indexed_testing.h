// Where pointers into a split table are outside of a rank's part. For tests.
#pragma once

#include <vector>

#include "moai/device/aten/conformance/sharding/pieces_testing.h"
#include "moai/ops/sharding/indexed.h"

namespace moai::device::sharding {

// `mask` of dimensions `from`, as one that broadcasts against dimensions `to`.
inline Tensor broadcast_to(const Tensor& mask, const ops::FactorDims& from,
                           const ops::FactorDims& to) {
  Sizes shape, order;
  for (const auto& dim : to) {
    int64_t at = -1;
    for (size_t d = 0; d < from.size(); ++d) {
      if (!dim.empty() && from[d] == dim) at = static_cast<int64_t>(d);
    }
    if (at >= 0) order.push_back(at);
    shape.push_back(at < 0 ? 1 : mask.size(at));
  }
  Sizes kept;
  for (size_t d = 0; d < from.size(); ++d) {
    if (std::ranges::find(order, static_cast<int64_t>(d)) == order.end()) order.push_back(d);
  }
  return mask.permute(order).reshape(shape);
}

}  // namespace moai::device::sharding
