// The middle one of some values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace moai {

// The lower one of two; 0 without any. Changes their order.
inline double lower_median(std::span<double> values) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::ranges::nth_element(values, at);
  return *at;
}

}  // namespace moai
