#include "moai/control/lifecycle/lease_state.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace moai::control {
namespace {

using S = LeaseState;

TEST(LeaseState, HasExactlyTheseEdges) {
  const std::set<std::pair<S, S>> edges = {
      {S::kRequested, S::kQueued},  {S::kRequested, S::kGranted},  {S::kRequested, S::kRevoking},
      {S::kRequested, S::kFailed},  {S::kRequested, S::kReleased}, {S::kQueued, S::kGranted},
      {S::kQueued, S::kRevoking},   {S::kQueued, S::kFailed},      {S::kQueued, S::kReleased},
      {S::kGranted, S::kStarting},  {S::kGranted, S::kReleasing},  {S::kGranted, S::kRevoking},
      {S::kGranted, S::kFailed},    {S::kStarting, S::kActive},    {S::kStarting, S::kReleasing},
      {S::kStarting, S::kRevoking}, {S::kStarting, S::kFailed},    {S::kActive, S::kReleasing},
      {S::kActive, S::kRevoking},   {S::kActive, S::kFailed},      {S::kReleasing, S::kReleased},
      {S::kRevoking, S::kReleased}, {S::kFailed, S::kReleased}};
  for (int from = 0; from < kLeaseStates; ++from)
    for (int to = 0; to < kLeaseStates; ++to) {
      const std::pair<S, S> edge{static_cast<S>(from), static_cast<S>(to)};
      EXPECT_EQ(may_follow(edge.first, edge.second), edges.contains(edge))
          << lease_state_name(edge.first) << " → " << lease_state_name(edge.second);
    }
}

TEST(LeaseState, EveryStateLeadsToReleased) {
  for (int from = 0; from < kLeaseStates; ++from) {
    std::set<int> reached = {from};
    for (size_t before = 0; before != reached.size();) {
      before = reached.size();
      for (const int at : std::set<int>(reached))
        for (int to = 0; to < kLeaseStates; ++to)
          if (may_follow(static_cast<S>(at), static_cast<S>(to))) reached.insert(to);
    }
    EXPECT_TRUE(reached.contains(static_cast<int>(S::kReleased))) << from;
  }
}

TEST(LeaseState, IsWaitingHeldOrEndingButNeverTwo) {
  for (int i = 0; i < kLeaseStates; ++i) {
    const S s = static_cast<S>(i);
    EXPECT_EQ(is_waiting(s) + is_held(s) + is_ending(s), s == S::kReleased ? 0 : 1);
  }
}

TEST(LeaseState, NamesAreWords) {
  std::set<std::string> names;
  for (int i = 0; i < kLeaseStates; ++i)
    names.insert(std::string(lease_state_name(static_cast<S>(i))));
  EXPECT_EQ(names.size(), static_cast<size_t>(kLeaseStates));
  EXPECT_EQ(lease_state_name(static_cast<S>(200)), "unknown");
  EXPECT_FALSE(may_follow(static_cast<S>(200), S::kReleased));
}

}  // namespace
}  // namespace moai::control
