#include "moai/control/lifecycle/lease_state.h"

#include <array>

namespace moai::control {
namespace {

using S = LeaseState;

constexpr uint32_t set_of() { return 0; }
template <class... More>
constexpr uint32_t set_of(S first, More... more) {
  return (1u << static_cast<int>(first)) | set_of(more...);
}

struct Row {
  std::string_view name;
  uint32_t next;
};

constexpr std::array<Row, kLeaseStates> kTable = {{
    {"requested", set_of(S::kQueued, S::kGranted, S::kRevoking, S::kFailed, S::kReleased)},
    {"queued", set_of(S::kGranted, S::kRevoking, S::kFailed, S::kReleased)},
    {"granted", set_of(S::kStarting, S::kReleasing, S::kRevoking, S::kFailed)},
    {"starting", set_of(S::kActive, S::kReleasing, S::kRevoking, S::kFailed)},
    {"active", set_of(S::kReleasing, S::kRevoking, S::kFailed)},
    {"releasing", set_of(S::kReleased)},
    {"revoking", set_of(S::kReleased)},
    {"failed", set_of(S::kReleased)},
    {"released", set_of()},
}};

}  // namespace

std::string_view lease_state_name(LeaseState state) {
  const auto index = static_cast<size_t>(state);
  return index < kTable.size() ? kTable[index].name : "unknown";
}

bool may_follow(LeaseState from, LeaseState to) {
  const auto index = static_cast<size_t>(from);
  return index < kTable.size() && (kTable[index].next >> static_cast<int>(to) & 1u) != 0;
}

}  // namespace moai::control
