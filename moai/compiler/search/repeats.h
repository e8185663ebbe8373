// Repeats: stretches of a window that are the same calls over and over, as layers are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moai::compiler {

// Calls [begin, begin + period * repeats); call i and call i + period are alike.
struct Run {
  size_t begin = 0, period = 0, repeats = 0;

  bool operator==(const Run&) const = default;
  size_t end() const { return begin + period * repeats; }
};

// Disjoint runs, in order, that repeat at least `repeats_min` times and have a call that is
// `needed`; of those that overlap the ones that cover most. About linear.
std::vector<Run> find_runs(const std::vector<uint32_t>& kinds, const std::vector<bool>& needed,
                           size_t repeats_min);

}  // namespace moai::compiler
