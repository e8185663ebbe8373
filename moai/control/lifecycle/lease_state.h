// The life of a lease as a transition table.
//
// requested → queued → granted → starting → active → releasing → released; revoking and failed can
// be reached from every state in which somebody counts on the lease. "released": its devices can be
// granted again.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace moai::control {

enum class LeaseState : uint8_t {
  kRequested = 0,
  kQueued = 1,
  kGranted = 2,
  kStarting = 3,
  kActive = 4,
  kReleasing = 5,
  kRevoking = 6,
  kFailed = 7,
  kReleased = 8,
};
inline constexpr int kLeaseStates = 9;

std::string_view lease_state_name(LeaseState state);
// False for an edge the table does not have.
bool may_follow(LeaseState from, LeaseState to);

// The session waits for it.
inline bool is_waiting(LeaseState s) {
  return s == LeaseState::kRequested || s == LeaseState::kQueued;
}
// The session has it or is about to.
inline bool is_held(LeaseState s) {
  return s == LeaseState::kGranted || s == LeaseState::kStarting || s == LeaseState::kActive;
}
// Its Workers are being ended.
inline bool is_ending(LeaseState s) {
  return s == LeaseState::kReleasing || s == LeaseState::kRevoking || s == LeaseState::kFailed;
}

}  // namespace moai::control
