// What every Store must do, over its implementations; and what only a file can get wrong.
#include "moai/control/store/store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>

#include "moai/control/store/memory_store.h"
#include "moai/control/store/sqlite_store.h"

namespace moai::control {
namespace {

class Directory {
 public:
  Directory() {
    std::string name = ::testing::TempDir() + "moai_store_XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string file() const { return path_ + "/master.db"; }

 private:
  std::string path_;
};

struct Kind {
  const char* name;
  bool durable;
};

class StoreConformance : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override { open(); }
  void open() {
    store_.reset();
    if (GetParam().durable)
      store_ = open_sqlite_store(directory_.file()).value();
    else if (!store_)
      store_ = std::make_unique<MemoryStore>();
  }
  // What a restart of the process would see.
  Snapshot reload() {
    if (GetParam().durable) open();
    return store_->load().value();
  }
  Status commit(std::vector<Change> changes) { return store_->commit(changes); }

  Directory directory_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(All, StoreConformance,
                         testing::Values(Kind{"memory", false}, Kind{"sqlite", true}),
                         [](const auto& info) { return info.param.name; });

LeaseRow lease(uint64_t id, uint64_t token, int64_t released_ns = 0) {
  LeaseRow row;
  row.id = row.job_id = id;
  row.token_id = token;
  row.flavor = "Small.64GB";
  row.state = released_ns ? LeaseState::kReleased : LeaseState::kActive;
  row.epoch = 100 + id;
  row.released_ns = released_ns;
  row.process = {4, "python \"train\".py", "vm1", "ann", "pytorch-2.13.0"};
  row.workers = {{7, 1, "tcp:h:1", std::string("\0\x01\xff", 3), 55, false},
                 {8, 2, "", "", 0, true}};
  return row;
}

TEST_P(StoreConformance, BeginsEmpty) {
  const Snapshot s = reload();
  EXPECT_TRUE(s.tokens.empty() && s.leases.empty() && s.counters.empty());
  EXPECT_TRUE(store_->events(0, 10).value().empty());
}

TEST_P(StoreConformance, EveryRowComesBackAsItWas) {
  const TokenRow token{
      1, "team \xc3\xa4", Blob{std::string("\0h\xff", 3)}, -99, true, 5, 6, 2, true, 9};
  const FlavorRow flavor{52, 5, "1.5xLarge.768GB", 12, uint64_t{65520} << 20};
  const AcceleratorRow accelerator{3, 1, 4, 52};
  const SessionRow session{4, 1, 3, 9, 52, true, Blob{"r"}, lease(1, 1).process, 77};
  const AgentRow agent{
      5,
      "back01",
      "10.0.0.1",
      "0.1.0",
      12,
      600000,
      {{0, "cpu", "simulated", 1 << 30, true}, {1, "hip", "MI250", ~0ull >> 1, false}}};
  const OperationRow operation{6, "token/1|add|x", Blob{"out"}, 5};
  ASSERT_TRUE(commit({token, flavor, accelerator, session, lease(8, 1), agent, operation,
                      CounterRow{1, 1ull << 62}})
                  .ok());
  const Snapshot s = reload();
  EXPECT_EQ(s.tokens, std::vector{token});
  EXPECT_EQ(s.flavors, std::vector{flavor});
  EXPECT_EQ(s.accelerators, std::vector{accelerator});
  EXPECT_EQ(s.sessions, std::vector{session});
  EXPECT_EQ(s.leases, std::vector{lease(8, 1)});
  EXPECT_EQ(s.agents, std::vector{agent});
  EXPECT_EQ(s.operations, std::vector{operation});
  EXPECT_EQ(s.counters, (std::vector{CounterRow{1, 1ull << 62}}));
}

TEST_P(StoreConformance, ARowReplacesTheOneWithItsId) {
  ASSERT_TRUE(commit({CounterRow{1, 1}}).ok());
  ASSERT_TRUE(commit({CounterRow{1, 2}, CounterRow{1, 3}}).ok());
  EXPECT_EQ(reload().counters, (std::vector{CounterRow{1, 3}}));
}

TEST_P(StoreConformance, DropsRows) {
  ASSERT_TRUE(commit({AcceleratorRow{1, 1, 0, 1}, AcceleratorRow{2, 1, 1, 1}}).ok());
  ASSERT_TRUE(commit({DropAccelerator{1}, DropSession{9}}).ok());
  const Snapshot s = reload();
  ASSERT_EQ(s.accelerators.size(), 1u);
  EXPECT_EQ(s.accelerators[0].id, 2u);
}

TEST_P(StoreConformance, ReleasedLeasesAreHistoryNewestFirst) {
  ASSERT_TRUE(commit({lease(1, 1), lease(2, 1, 5), lease(3, 2, 6), lease(4, 1, 7)}).ok());
  EXPECT_EQ(reload().leases.size(), 1u);
  const auto ids = [&](uint64_t token, uint32_t limit) {
    std::vector<uint64_t> found;
    const std::vector<LeaseRow> rows = store_->history(token, limit).value();
    for (const LeaseRow& row : rows) found.push_back(row.id);
    return found;
  };
  EXPECT_EQ(ids(1, 10), (std::vector<uint64_t>{4, 2}));
  EXPECT_EQ(ids(0, 10), (std::vector<uint64_t>{4, 3, 2}));
  EXPECT_EQ(ids(0, 1), (std::vector<uint64_t>{4}));
}

TEST_P(StoreConformance, EventsPageForward) {
  std::vector<Change> changes;
  for (uint64_t id = 1; id <= 5; ++id)
    changes.push_back(EventRow{id, 10, "lease.granted", "job/1", "scheduler", "x"});
  ASSERT_TRUE(commit(changes).ok());
  EXPECT_EQ(store_->events(2, 2).value()[0].id, 3u);
  EXPECT_EQ(store_->events(2, 2).value().size(), 2u);
  EXPECT_EQ(store_->newest_events(2).value()[0].id, 4u);
  EXPECT_EQ(store_->newest_events(2).value()[1].id, 5u);
}

TEST_P(StoreConformance, OldOperationsAreForgotten) {
  ASSERT_TRUE(commit({OperationRow{1, "a", Blob{}, 5}, OperationRow{2, "b", Blob{}, 15}}).ok());
  ASSERT_TRUE(store_->prune_operations(10).ok());
  ASSERT_EQ(reload().operations.size(), 1u);
  EXPECT_EQ(reload().operations[0].key, "b");
}

TEST(SqliteStore, IsHeldByOneProcess) {
  Directory directory;
  auto store = open_sqlite_store(directory.file()).value();
  EXPECT_EQ(open_sqlite_store(directory.file()).status().code(), Code::kFailedPrecondition);
}

TEST(SqliteStore, RefusesANewerSchema) {
  Directory directory;
  {
    auto store = open_sqlite_store(directory.file()).value();
  }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(directory.file().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  EXPECT_EQ(open_sqlite_store(directory.file()).status().code(), Code::kFailedPrecondition);
}

TEST(SqliteStore, RefusesWhatIsNoDatabase) {
  Directory directory;
  FILE* file = std::fopen(directory.file().c_str(), "w");
  for (int i = 0; i < 1000; ++i) std::fputs("not a database ", file);
  std::fclose(file);
  EXPECT_EQ(open_sqlite_store(directory.file()).status().code(), Code::kDataLoss);
}

TEST(SqliteStore, MissingDirectoryIsAnError) {
  EXPECT_FALSE(open_sqlite_store("/nonexistent/master.db").ok());
}

TEST(SqliteStore, AFailedCommitChangesNothingAndMayBeTriedAgain) {
  Directory directory;
  auto store = open_sqlite_store(directory.file()).value();
  ASSERT_TRUE(store->commit(std::vector<Change>{CounterRow{1, 1}}).ok());
  // No file may grow any more, as on a full disk.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{1, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  std::vector<Change> changes{CounterRow{1, 2}};
  for (uint64_t id = 1; id < 3000; ++id)
    changes.push_back(EventRow{id, 1, "kind", "subject", "actor", std::string(100, 'x')});
  const Status failed = store->commit(changes);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_FALSE(failed.ok());
  EXPECT_TRUE(failed.code() == Code::kResourceExhausted || failed.code() == Code::kUnavailable)
      << failed.to_string();
  EXPECT_EQ(store->load().value().counters, (std::vector{CounterRow{1, 1}}));
  EXPECT_TRUE(store->commit(changes).ok());
  EXPECT_EQ(store->load().value().counters, (std::vector{CounterRow{1, 2}}));
}

}  // namespace
}  // namespace moai::control
