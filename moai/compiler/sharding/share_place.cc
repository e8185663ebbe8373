#include "moai/compiler/sharding/share_place.h"

#include <algorithm>

namespace moai::compiler {

std::optional<uint32_t> share_place(const Factors& factors, std::span<const FactorId> list,
                                    std::span<const AxisPlacement> taken, int ranks) {
  constexpr double kAlike = 1.02;
  std::optional<uint32_t> best;
  double least = 1;
  for (uint32_t place = 0; place < list.size(); ++place) {
    const int64_t size = factors.size(list[place]);
    if (size < ranks || std::ranges::find(taken, split_at(place)) != taken.end()) continue;
    const double fullest =
        static_cast<double>(share_size(size, ranks, 0)) / static_cast<double>(size);
    if (best && fullest * kAlike >= least) continue;
    best = place;
    least = fullest;
  }
  return best;
}

}  // namespace moai::compiler
