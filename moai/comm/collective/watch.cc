#include "moai/comm/collective/watch.h"

#include <unistd.h>

#include <string>

#include "moai/base/process.h"
#include "moai/comm/link/wait.h"

namespace moai::comm {
namespace {

using std::chrono::steady_clock;

bool is(const RankRecord& record, Presence presence) {
  return record.presence.load(std::memory_order_acquire) == static_cast<uint32_t>(presence);
}

}  // namespace

bool Watch::has_left(uint32_t peer) const { return is(segment_.rank(peer), Presence::kLeft); }

Status Watch::check_alive() const {
  for (uint32_t peer = 0; peer < segment_.ranks(); ++peer) {
    const RankRecord& record = segment_.rank(peer);
    if (peer == self_ || !is(record, Presence::kHere) || record.pid == ::getpid()) continue;
    if (is_alive({.pid = record.pid, .start_ticks = record.start_ticks})) continue;
    if (has_left(peer)) continue;
    return unavailable("[comm.collective] " + name(peer) + " (process " +
                       std::to_string(record.pid) +
                       ") ended; its log says why, and the job must be started again");
  }
  return ok_status();
}

Status Watch::wait(Signal* signal, uint32_t target, uint32_t peer,
                   const std::atomic<bool>* stop) const {
  if (spin_for(*signal, target)) return ok_status();
  const auto start = steady_clock::now();
  for (bool first = true;; first = false) {
    // Asked before the signal: whoever left had raised it before.
    const bool left = has_left(peer);
    if (reached(*signal, target)) return ok_status();
    if (segment_.failed()) return segment_.failure();
    if (stop && *stop) return cancelled("[comm.collective] the group was closed here");
    if (left) {
      return unavailable("[comm.collective] " + name(peer) +
                         " has left the group; all ranks must make the same calls");
    }
    if (!first) MOAI_RETURN_IF_ERROR(check_alive());
    const bool absent = is(segment_.rank(peer), Presence::kAbsent);
    const auto most = absent ? arrival_ : patience_;
    if (steady_clock::now() - start >= most) {
      return deadline_exceeded("[comm.collective] " + name(peer) +
                               (absent ? " has not joined" : " made no progress") + " for " +
                               std::to_string(most.count()) +
                               " ms; is it stopped, or does it not make this call?");
    }
    sleep_on(signal, target, std::min(most, kInterruptEvery));
  }
}

}  // namespace moai::comm
