// Signal: a counter in shared memory which one rank raises and others sleep on.
//
// The counter wraps; a target is reached when the value is at most 2^31 past it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace moai::comm {

struct alignas(64) Signal {
  std::atomic<uint32_t> value{0};
  std::atomic<uint32_t> sleepers{0};
};
static_assert(std::atomic<uint32_t>::is_always_lock_free, "shared between processes");

inline bool reached(const Signal& signal, uint32_t target) {
  return static_cast<int32_t>(signal.value.load(std::memory_order_acquire) - target) >= 0;
}

// Sets the value and wakes who sleeps on it. Only its owner.
void raise_signal(Signal* signal, uint32_t value);
// Wakes who sleeps on it, to look around.
void wake_sleepers(Signal* signal);

// Spins for at most 50 us; true when the target is reached.
bool spin_for(const Signal& signal, uint32_t target);
// Sleeps until the value changes or the time passes, unless the target is reached.
void sleep_on(Signal* signal, uint32_t target, std::chrono::milliseconds at_most);

}  // namespace moai::comm
