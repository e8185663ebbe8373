// What every Group must do when ranks disagree, fail, leave or stop.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "moai/comm/conformance/collective_groups.h"

namespace moai::comm {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using tensor::DType;
using tensor::Reduction;

Status sum(Group& group, size_t count, DType dtype = DType::kFloat32) {
  std::vector<double> data(count);
  return group.all_reduce(data.data(), count, dtype, Reduction::kSum);
}

class CollectiveFailure : public testing::TestWithParam<std::string> {
 protected:
  static void expect_all(const std::vector<Status>& all, Code code,
                         const std::vector<std::string>& words) {
    for (const Status& status : all) {
      EXPECT_EQ(status.code(), code) << status.to_string();
      for (const std::string& word : words) {
        EXPECT_NE(status.message().find(word), std::string::npos)
            << "'" << word << "' missing in: " << status.to_string();
      }
    }
  }
};

TEST_P(CollectiveFailure, DifferentOperationsFailOnAllRanksWithBothDescriptions) {
  const Groups groups = make_groups(GetParam(), 3);
  const auto all = statuses(
      groups, [](Group& group) { return group.rank() == 1 ? group.barrier() : sum(group, 10); });
  expect_all(all, Code::kFailedPrecondition, {"barrier, call 1", "all_reduce of 10 f32 (sum)"});
  // The group is broken for good, and says the same.
  expect_all(statuses(groups, [](Group& group) { return group.barrier(); }),
             Code::kFailedPrecondition, {"barrier, call 2 failed", "all_reduce of 10 f32 (sum)"});
}

TEST_P(CollectiveFailure, DifferentSizesTypesAndRootsFailOnAllRanks) {
  {
    const Groups groups = make_groups(GetParam(), 2);
    // More than any buffer on one rank, a few elements on the other.
    expect_all(statuses(groups, [](Group& g) { return sum(g, g.rank() == 0 ? 700'000 : 3); }),
               Code::kFailedPrecondition, {"of 700000 f32", "of 3 f32"});
  }
  {
    const Groups groups = make_groups(GetParam(), 2);
    const auto all = statuses(groups, [](Group& g) {
      return sum(g, 4, g.rank() == 0 ? DType::kFloat64 : DType::kInt64);
    });
    expect_all(all, Code::kFailedPrecondition, {"4 f64", "4 i64"});
  }
  const Groups groups = make_groups(GetParam(), 3);
  const auto all = statuses(groups, [](Group& g) {
    int value = 0;
    return g.broadcast(&value, sizeof value, g.rank() == 2 ? 1 : 0);
  });
  expect_all(all, Code::kFailedPrecondition, {"from rank 0", "from rank 1"});
}

TEST_P(CollectiveFailure, PairsThatDoNotFitFailOnAllRanks) {
  const Groups groups = make_groups(GetParam(), 3);
  const auto all = statuses(groups, [](Group& g) {
    const std::vector<size_t> to = {8, 8, g.rank() == 2 ? size_t{8} : size_t{24}};
    const std::vector<size_t> from(3, 8);
    std::vector<char> in(40), out(40);
    return g.all_to_all(in.data(), to, out.data(), from);
  });
  expect_all(all, Code::kFailedPrecondition, {"24", "8"});
}

TEST_P(CollectiveFailure, AMessageOfAnotherSizeFailsOnBothSides) {
  const Groups groups = make_groups(GetParam(), 2);
  const auto all = statuses(groups, [](Group& g) {
    char data[20] = {};
    if (g.rank() == 1) return g.receive(0, 5, data, 20);
    const Status sent = g.send(1, 5, data, 12);
    return sent.ok() ? g.receive(1, 5, data, 1) : sent;
  });
  expect_all(all, Code::kFailedPrecondition, {"sent 12 bytes with tag 5", "20 were asked for"});
}

TEST_P(CollectiveFailure, ArgumentsThatMakeNoSenseCountAsACallAndLeaveTheGroup) {
  const Groups groups = make_groups(GetParam(), 2);
  on_all_ranks(groups, [](Group& g) {
    int data = 0;
    EXPECT_EQ(g.all_reduce(&data, 1, DType::kBool, Reduction::kSum).code(), Code::kInvalidArgument);
    EXPECT_EQ(g.broadcast(&data, 4, 2).code(), Code::kInvalidArgument);
    EXPECT_EQ(g.all_gather(&data, std::vector<size_t>{4}, &data).code(), Code::kInvalidArgument);
    EXPECT_EQ(g.send(g.rank(), 0, &data, 4).code(), Code::kInvalidArgument);
    EXPECT_EQ(g.make_subgroup(std::vector<int>{1 - g.rank()}).status().code(),
              Code::kInvalidArgument);
    EXPECT_EQ(g.make_subgroup(std::vector<int>{0, 1, 1}).status().code(), Code::kInvalidArgument);
    EXPECT_TRUE(g.barrier().ok());
  });
  // On one rank only, the others learn it at the next call.
  const auto all = statuses(groups, [](Group& g) {
    bool flag = false;
    if (g.rank() == 0) {
      g.broadcast(&flag, 1, 7).ignore("the next call tells");
    }
    return g.barrier();
  });
  expect_all(all, Code::kFailedPrecondition, {"call 5", "call 6"});
}

TEST_P(CollectiveFailure, AbortFromAnyThreadEndsCurrentAndLaterCallsOfAll) {
  const Groups groups = make_groups(GetParam(), 3);
  std::atomic<int> waiting = 0;
  std::thread aborting([&] {
    while (waiting < 2) std::this_thread::yield();
    std::this_thread::sleep_for(milliseconds(20));
    groups[0]->abort(cancelled("the lease has ended"));
  });
  const auto start = steady_clock::now();
  const auto all = statuses(groups, [&](Group& g) {
    if (g.rank() == 2) {
      char data = 0;
      ++waiting;
      return g.receive(1, 3, &data, 1);
    }
    ++waiting;
    return sum(g, 200'000);
  });
  aborting.join();
  expect_all(all, Code::kCancelled, {"the lease has ended", "failed on rank"});
  EXPECT_LT(steady_clock::now() - start, milliseconds(4000));
  expect_all(statuses(groups, [](Group& g) { return g.barrier(); }), Code::kCancelled,
             {"the lease has ended"});
}

TEST_P(CollectiveFailure, AnAbortedSubgroupLeavesItsParent) {
  const Groups groups = make_groups(GetParam(), 3);
  on_all_ranks(groups, [](Group& g) {
    if (g.rank() != 2) {
      auto pair = g.make_subgroup(std::vector<int>{0, 1});
      ASSERT_TRUE(pair.ok()) << pair.status().to_string();
      if (g.rank() == 0) (*pair)->abort(aborted("the pair is over"));
      EXPECT_EQ((*pair)->barrier().code(), Code::kAborted);
    }
    const Status status = sum(g, 1000);
    EXPECT_TRUE(status.ok()) << status.to_string();
  });
}

TEST_P(CollectiveFailure, ARankThatLeavesIsMissedOnlyByWhoNeedsIt) {
  Groups groups = make_groups(GetParam(), 3);
  on_all_ranks(groups, [&](Group& g) {
    EXPECT_TRUE(g.barrier().ok());
    if (g.rank() != 2) return;
    const float last = 7;
    for (int peer : {0, 1}) EXPECT_TRUE(g.send(peer, 1, &last, sizeof last).ok());
    groups[2].reset();
  });
  groups.pop_back();
  // What it sent before still comes, and the others still reach each other.
  expect_all(statuses(groups,
                      [](Group& g) {
                        float last = 0;
                        const Status sent = g.send(1 - g.rank(), 2, &last, sizeof last);
                        if (!sent.ok()) return sent;
                        const Status came = g.receive(1 - g.rank(), 2, &last, sizeof last);
                        if (!came.ok()) return came;
                        const Status old = g.receive(2, 1, &last, sizeof last);
                        EXPECT_EQ(last, 7);
                        return old;
                      }),
             Code::kOk, {});
  expect_all(statuses(groups, [](Group& g) { return g.barrier(); }), Code::kUnavailable,
             {"rank 2", "left the group"});
}

TEST_P(CollectiveFailure, ALookFindsWhatFailedAndNotWhoLeft) {
  Groups groups = make_groups(GetParam(), 3);
  on_all_ranks(groups, [&](Group& g) {
    EXPECT_TRUE(g.check().ok());
    EXPECT_TRUE(g.barrier().ok());
    if (g.rank() == 2) groups[2].reset();
  });
  groups.pop_back();
  on_all_ranks(groups, [](Group& g) { EXPECT_TRUE(g.check().ok()); });
  groups[0]->abort(cancelled("the lease has ended"));
  const auto end = steady_clock::now() + milliseconds(4000);
  while (groups[1]->check().ok() && steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  expect_all({groups[0]->check(), groups[1]->check()}, Code::kCancelled, {"the lease has ended"});
}

TEST_P(CollectiveFailure, ARankThatDoesNotComeEndsTheCallAfterThePatience) {
  const Groups groups = make_groups(GetParam(), 2, {.patience = milliseconds(250)});
  const auto start = steady_clock::now();
  const Status status = groups[0]->barrier();
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded) << status.to_string();
  EXPECT_NE(status.message().find("rank 1"), std::string::npos) << status.message();
  EXPECT_GE(steady_clock::now() - start, milliseconds(240));
  EXPECT_LT(steady_clock::now() - start, milliseconds(3000));
  EXPECT_EQ(groups[1]->barrier().code(), Code::kDeadlineExceeded);
}

TEST_P(CollectiveFailure, SendingAheadIsBoundedAndStillEnds) {
  const Groups groups =
      make_groups(GetParam(), 2, {.patience = milliseconds(300), .send_ahead_bytes = 1 << 20});
  const std::vector<char> block(600'000);
  Status status;
  for (int i = 0; i < 20 && status.ok(); ++i) {
    status = groups[0]->send(1, 0, block.data(), block.size());
  }
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded) << status.to_string();
}

TEST_P(CollectiveFailure, AForkedChildDropsItsCopyWithoutAWord) {
  Groups groups = make_groups(GetParam(), 2);
  const std::vector<char> block(600'000);
  ASSERT_TRUE(groups[0]->send(1, 0, block.data(), block.size()).ok());  // a thread sends it
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(20);
    groups.clear();
    ::_exit(0);
  }
  int state = 0;
  ASSERT_EQ(::waitpid(child, &state, 0), child);
  EXPECT_TRUE(WIFEXITED(state) && WEXITSTATUS(state) == 0);
  std::vector<char> came(block.size());
  EXPECT_TRUE(groups[1]->receive(0, 0, came.data(), came.size()).ok());
  expect_all(statuses(groups, [](Group& g) { return sum(g, 100); }), Code::kOk, {});
}

INSTANTIATE_TEST_SUITE_P(Kinds, CollectiveFailure, testing::ValuesIn(group_kinds()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace moai::comm
