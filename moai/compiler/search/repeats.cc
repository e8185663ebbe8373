#include "moai/compiler/search/repeats.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace moai::compiler {
namespace {

constexpr size_t kPeriodsMax = 16;

// Distances between calls of a kind and the next of it, the most frequent ones.
std::vector<size_t> likely_periods(const std::vector<uint32_t>& kinds) {
  std::unordered_map<uint32_t, size_t> last;
  std::map<size_t, size_t> counts;
  for (size_t i = 0; i < kinds.size(); ++i) {
    const auto [at, is_new] = last.try_emplace(kinds[i], i);
    if (!is_new) {
      ++counts[i - at->second];
      at->second = i;
    }
  }
  std::vector<std::pair<size_t, size_t>> ordered;  // how often, how far
  for (const auto& [distance, count] : counts) {
    // As many calls as it would cover.
    ordered.emplace_back(count, distance);
  }
  std::ranges::stable_sort(ordered, std::ranges::greater{}, &std::pair<size_t, size_t>::first);
  std::vector<size_t> periods;
  for (const auto& [count, distance] : ordered) {
    if (periods.size() < kPeriodsMax) periods.push_back(distance);
  }
  return periods;
}

void add_runs(const std::vector<uint32_t>& kinds, size_t period, size_t repeats_min,
              std::vector<Run>* runs) {
  size_t begin = 0;
  for (size_t i = 0; i + period <= kinds.size(); ++i) {
    if (i + period < kinds.size() && kinds[i] == kinds[i + period]) continue;
    const size_t repeats = (i - begin) / period + 1;
    if (repeats >= repeats_min) runs->push_back({begin, period, repeats});
    begin = i + 1;
  }
}

}  // namespace

std::vector<Run> find_runs(const std::vector<uint32_t>& kinds, const std::vector<bool>& needed,
                           size_t repeats_min) {
  std::vector<Run> runs;
  for (const size_t period : likely_periods(kinds)) add_runs(kinds, period, repeats_min, &runs);
  std::ranges::stable_sort(runs, [](const Run& a, const Run& b) {
    const size_t covers_a = a.period * a.repeats, covers_b = b.period * b.repeats;
    return covers_a != covers_b ? covers_a > covers_b : a.period < b.period;
  });
  std::vector<Run> chosen;
  for (const Run& r : runs) {
    const auto first = needed.begin() + static_cast<ptrdiff_t>(r.begin);
    const bool has_needed = std::find(first, first + static_cast<ptrdiff_t>(r.period), true) !=
                            first + static_cast<ptrdiff_t>(r.period);
    const bool overlaps = std::ranges::any_of(
        chosen, [&](const Run& c) { return r.begin < c.end() && c.begin < r.end(); });
    if (has_needed && !overlaps) chosen.push_back(r);
  }
  std::ranges::sort(chosen, {}, &Run::begin);
  return chosen;
}

}  // namespace moai::compiler
