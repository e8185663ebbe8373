// StepClock: what training steps take on the devices, as their Workers count it.
//
// Some steps stand between two markers of this clock's; a step takes what the busiest rank was busy
// in between, waiting for other ranks included. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

namespace moai::driver {

class StepClock {
 public:
  // A step is measured now and then: whether the next one is.
  bool measures_next();
  // The plan changed: what was measured is of another one.
  void begin_anew();

  // The markers were reached: the time that each rank had been busy until then.
  void began(std::vector<uint64_t> busy_ns);
  void ended(const std::vector<uint64_t>& busy_ns);

  uint64_t step_ns() const;  // the median of the newest; 0: none yet

 private:
  static constexpr uint64_t kEvery = 8;
  static constexpr size_t kKept = 15;

  mutable std::mutex mutex_;
  uint64_t steps_ = 0;             // guarded by mutex_
  std::vector<uint64_t> begin_;    // guarded by mutex_: by rank
  std::deque<uint64_t> measured_;  // guarded by mutex_: newest last
};

}  // namespace moai::driver
