#include "moai/comm/collective/signal.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

#include "moai/comm/link/wait.h"

namespace moai::comm {
namespace {

constexpr int kBareLooks = 200;  // below the cost of one yield

// Fails only when there is nothing to wait for: the caller looks again.
void futex(std::atomic<uint32_t>* word, int operation, uint32_t value, const timespec* timeout) {
  ::syscall(SYS_futex, reinterpret_cast<uint32_t*>(word), operation, value, timeout, nullptr, 0);
}

}  // namespace

void raise_signal(Signal* signal, uint32_t value) {
  // The total order with sleep_on(): either it sees the value, or this sees the sleeper.
  signal->value.store(value, std::memory_order_seq_cst);
  if (signal->sleepers.load(std::memory_order_seq_cst) != 0) wake_sleepers(signal);
}

void wake_sleepers(Signal* signal) { futex(&signal->value, FUTEX_WAKE, INT_MAX, nullptr); }

bool spin_for(const Signal& signal, uint32_t target) {
  for (int i = 0; i < kBareLooks; ++i) {
    if (reached(signal, target)) return true;
  }
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    if (reached(signal, target)) return true;
    ::sched_yield();
  } while (std::chrono::steady_clock::now() < end);
  return reached(signal, target);
}

void sleep_on(Signal* signal, uint32_t target, std::chrono::milliseconds at_most) {
  const timespec timeout = {.tv_sec = at_most.count() / 1000,
                            .tv_nsec = at_most.count() % 1000 * 1'000'000};
  signal->sleepers.fetch_add(1, std::memory_order_seq_cst);
  const uint32_t seen = signal->value.load(std::memory_order_seq_cst);
  if (static_cast<int32_t>(seen - target) < 0) futex(&signal->value, FUTEX_WAIT, seen, &timeout);
  signal->sleepers.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace moai::comm
