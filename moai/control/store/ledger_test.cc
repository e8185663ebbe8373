#include "moai/control/store/ledger.h"

#include <gtest/gtest.h>

#include "moai/control/store/memory_store.h"

namespace moai::control {
namespace {

LeaseRow waiting(uint64_t id, int32_t priority, int64_t requested_ns) {
  LeaseRow row;
  row.id = id;
  row.session_id = 10 + id;
  row.priority = priority;
  row.requested_ns = requested_ns;
  return row;
}

std::vector<uint64_t> order(const Ledger& ledger) {
  std::vector<uint64_t> ids;
  for (const auto& key : ledger.queue()) ids.push_back(key.lease_id);
  return ids;
}

TEST(Ledger, QueueIsByPriorityThenTimeThenId) {
  MemoryStore store;
  Ledger ledger(&store);
  ledger.put(waiting(1, 0, 5));
  ledger.put(waiting(2, 0, 4));
  ledger.put(waiting(3, 99, 9));
  ledger.put(waiting(4, -99, 1));
  ledger.put(waiting(5, 0, 5));
  EXPECT_EQ(order(ledger), (std::vector<uint64_t>{3, 2, 1, 5, 4}));
}

TEST(Ledger, IndexesFollowALeaseThroughItsLife) {
  MemoryStore store;
  Ledger ledger(&store);
  LeaseRow row = waiting(1, 0, 1);
  ledger.put(row);
  EXPECT_EQ(ledger.lease_of_session(11)->id, 1u);
  row.state = LeaseState::kGranted;
  row.epoch = 7;
  ledger.put(row);
  EXPECT_TRUE(ledger.queue().empty());
  EXPECT_EQ(ledger.lease_by_epoch(7)->id, 1u);
  row.state = LeaseState::kReleasing;
  ledger.put(row);
  EXPECT_EQ(ledger.lease_of_session(11), nullptr);
  EXPECT_EQ(ledger.lease_by_epoch(7)->id, 1u);
  LeaseRow next = waiting(2, 0, 2);
  next.session_id = 11;
  ledger.put(next);
  row.state = LeaseState::kReleased;
  row.released_ns = 3;
  ledger.put(row);
  EXPECT_EQ(ledger.lease_of_session(11)->id, 2u);
  EXPECT_EQ(ledger.lease_by_epoch(7), nullptr);
  EXPECT_EQ(ledger.lease(1), nullptr);
}

TEST(Ledger, ComesBackFromTheStoreWithItsIndexes) {
  MemoryStore store;
  {
    Ledger ledger(&store);
    ledger.put(TokenRow{1, "t", Blob{"hash"}, 0, false, 5, 0, 0, false, 0});
    ledger.put(AcceleratorRow{2, 1, 3, 1});
    SessionRow session;
    session.id = 4;
    session.resume_hash.bytes = "resume";
    ledger.put(session);
    LeaseRow row = waiting(5, 0, 1);
    row.epoch = ledger.next(Counter::kEpoch);
    ledger.put(row);
    ledger.put(OperationRow{1, "key", Blob{"out"}, 1}, Blob{"out"});
    ASSERT_TRUE(ledger.commit().ok());
  }
  Ledger ledger(&store);
  ASSERT_TRUE(ledger.load().ok());
  EXPECT_EQ(ledger.token_by_hash("hash")->id, 1u);
  EXPECT_EQ(ledger.accelerator_of(1, 3)->id, 2u);
  EXPECT_EQ(ledger.session_by_resume("resume")->id, 4u);
  EXPECT_EQ(ledger.lease_by_epoch(1)->id, 5u);
  EXPECT_EQ(ledger.operation("key")->response.bytes, "out");
  EXPECT_EQ(order(ledger), (std::vector<uint64_t>{5}));
  EXPECT_EQ(ledger.next(Counter::kEpoch), 2u);
}

TEST(Ledger, DroppedRowsLeaveTheirIndexes) {
  MemoryStore store;
  Ledger ledger(&store);
  ledger.put(AcceleratorRow{2, 1, 3, 1});
  SessionRow session;
  session.id = 4;
  session.resume_hash.bytes = "resume";
  ledger.put(session);
  ledger.drop_accelerator(2);
  ledger.drop_session(4);
  EXPECT_EQ(ledger.accelerator_of(1, 3), nullptr);
  EXPECT_EQ(ledger.session_by_resume("resume"), nullptr);
  ASSERT_TRUE(ledger.commit().ok());
  EXPECT_TRUE(store.load().value().sessions.empty());
}

TEST(Ledger, LazyChangesWaitForAnUrgentOne) {
  MemoryStore store;
  Ledger ledger(&store);
  ledger.put(waiting(1, 0, 1), false);
  ledger.add_event(1, "k", "s", "a", "c");
  EXPECT_FALSE(ledger.urgent());
  EXPECT_TRUE(ledger.pending());
  ledger.put(AcceleratorRow{2, 1, 3, 1});
  EXPECT_TRUE(ledger.urgent());
  ASSERT_TRUE(ledger.commit().ok());
  EXPECT_FALSE(ledger.urgent() || ledger.pending());
  EXPECT_EQ(store.load().value().leases.size(), 1u);
  EXPECT_EQ(store.events(0, 9).value().size(), 1u);
  EXPECT_EQ(store.commits(), 1u);
}

TEST(Ledger, AFailedCommitKeepsItsChanges) {
  MemoryStore store;
  Ledger ledger(&store);
  store.fail_with(resource_exhausted("full"));
  ledger.put(AcceleratorRow{2, 1, 3, 1});
  EXPECT_EQ(ledger.commit().code(), Code::kResourceExhausted);
  EXPECT_FALSE(ledger.failure().ok());
  EXPECT_NE(ledger.accelerator(2), nullptr);
  store.fail_with(ok_status());
  ASSERT_TRUE(ledger.commit().ok());
  EXPECT_TRUE(ledger.failure().ok());
  EXPECT_EQ(store.load().value().accelerators.size(), 1u);
}

TEST(Ledger, CountersNeverGoBack) {
  MemoryStore store;
  uint64_t last = 0;
  for (int life = 0; life < 3; ++life) {
    Ledger ledger(&store);
    ASSERT_TRUE(ledger.load().ok());
    for (int i = 0; i < 5; ++i) {
      const uint64_t epoch = ledger.next(Counter::kEpoch);
      EXPECT_GT(epoch, last);
      last = epoch;
      ledger.put(AcceleratorRow{epoch, 1, 3, 1});
    }
    ASSERT_TRUE(ledger.commit().ok());
  }
}

}  // namespace
}  // namespace moai::control
