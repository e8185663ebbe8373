// Cuts of a line of places into consecutive parts.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace moai::compiler {

// What a cut of `seconds` costs: that of the dearest part, with what crosses its ends; then all
// that crosses. `stage_of`: by place.
struct CutPrice {
  double slowest = 0, crossing = 0;
};
CutPrice cut_price(std::span<const double> seconds, std::span<const double> crossing,
                   std::span<const uint32_t> stage_of, uint32_t stages);

// The cheapest cut, by place; where there are fewer places than stages, one a place. `crossing`: in
// front of each place, in the same unit. About O(places²).
std::vector<uint32_t> best_cut(std::span<const double> seconds, std::span<const double> crossing,
                               uint32_t stages);

}  // namespace moai::compiler
