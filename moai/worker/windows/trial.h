// Trial: whether a window is faster compiled, by alternate runs of both ways.
//
// Two times count: what the Worker took for the window, by the median, and the period from its
// begin to that of the next. A compiled window begins when all of it has come, so it can be shorter
// and the step longer. Periods hold the script's own doings, too: a longer median is believed only
// where the lower quartile says the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moai::worker {

class Trial {
 public:
  static constexpr size_t kRuns = 40;

  bool next_is_compiled() const { return runs_ % 2 == 1; }
  void ran(bool compiled, uint64_t window_ns) {
    windows_[compiled].push_back(window_ns);
    ++runs_;
  }
  // The time from the begin of the last run to that of this one.
  void period(bool compiled, uint64_t ns) { periods_[compiled].push_back(ns); }
  bool over() const { return runs_ >= kRuns; }
  uint64_t window_ns(bool compiled) const;  // median
  bool compiled_is_faster() const;

 private:
  size_t runs_ = 0;
  std::vector<uint64_t> windows_[2], periods_[2];  // by whether compiled
};

}  // namespace moai::worker
