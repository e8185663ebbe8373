#include "moai/comm/collective/nccl/communicator.h"

#include <gmock/gmock.h>

#include <functional>
#include <numeric>
#include <thread>

#include "moai/comm/collective/nccl/testing/host_stream.h"
#include "moai/comm/collective/nccl/testing/library.h"

namespace moai::comm {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using tensor::DType;
using tensor::Reduction;
using testing::HasSubstr;

Deadline soon() { return steady_clock::now() + std::chrono::seconds(20); }

// A rank: a communicator and a stream of its own.
struct Rank {
  std::unique_ptr<NcclCommunicator> comm{};
  HostStream stream{};

  Status run(const NcclSteps& steps) {
    MOAI_RETURN_IF_ERROR(comm->run(steps, &stream));
    stream.synchronize();
    return comm->check();
  }
};

class NcclCommunicatorTest : public testing::Test {
 protected:
  void on_all(int ranks, const std::function<void(Rank&)>& body) {
    nccl::UniqueId id;
    ASSERT_EQ(library_.unique_id(&id), nccl::kSuccess);
    std::vector<std::thread> threads;
    for (int rank = 0; rank < ranks; ++rank) {
      threads.emplace_back([&, rank] {
        Rank mine;
        auto joined = NcclCommunicator::join(
            library_, id, {.rank = rank, .size = ranks, .patience = std::chrono::seconds(20)},
            soon(), {});
        ASSERT_TRUE(joined.ok()) << joined.status().to_string();
        mine.comm = *std::move(joined);
        body(mine);
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(get_test_nccl("moai_test_nccl_open"), 0);
  }

  const NcclLibrary library_ = *load_nccl(test_nccl_file());
};

// Small whole numbers, so that no order of a sum shows.
std::vector<float> numbers(int rank, size_t count) {
  std::vector<float> all(count);
  for (size_t i = 0; i < count; ++i) all[i] = static_cast<float>((i * 7 + 3) % 11) + rank;
  return all;
}
std::vector<float> sums(int ranks, size_t count) {
  std::vector<float> all(count);
  for (int rank = 0; rank < ranks; ++rank) {
    const auto mine = numbers(rank, count);
    for (size_t i = 0; i < count; ++i) all[i] += mine[i];
  }
  return all;
}
std::vector<size_t> shares_of(int ranks, bool even) {
  std::vector<size_t> shares;
  for (int rank = 0; rank < ranks; ++rank) {
    shares.push_back(even ? 5 : static_cast<size_t>(rank * 3 % 4));
  }
  return shares;
}

TEST_F(NcclCommunicatorTest, SumsOfAllRanks) {
  for (const int ranks : {1, 2, 4}) {
    on_all(ranks, [&](Rank& mine) {
      for (const size_t count : {size_t{1}, size_t{1000}, size_t{100'003}}) {
        auto data = numbers(mine.comm->rank(), count);
        NcclSteps steps;
        add_all_reduce(&steps, data.data(), count, DType::kFloat32, Reduction::kSum);
        ASSERT_EQ(mine.run(steps), ok_status());
        EXPECT_EQ(data, sums(ranks, count));
      }
      mine.comm->close(soon());
    });
  }
}

TEST_F(NcclCommunicatorTest, ReductionsHaveTheirMeaning) {
  on_all(3, [](Rank& mine) {
    const int rank = mine.comm->rank();
    int32_t least = 5 - rank, most = rank - 5, product = rank + 2;
    double half[2] = {1.5, static_cast<double>(rank)};  // a complex number
    NcclSteps steps;
    add_all_reduce(&steps, &least, 1, DType::kInt32, Reduction::kMin);
    add_all_reduce(&steps, &most, 1, DType::kInt32, Reduction::kMax);
    add_all_reduce(&steps, &product, 1, DType::kInt32, Reduction::kProduct);
    add_all_reduce(&steps, half, 1, DType::kComplex128, Reduction::kSum);
    ASSERT_EQ(mine.run(steps), ok_status());
    EXPECT_EQ(least, 3);
    EXPECT_EQ(most, -3);
    EXPECT_EQ(product, 24);
    EXPECT_EQ(half[0], 4.5);
    EXPECT_EQ(half[1], 3);
    mine.comm->close(soon());
  });
}

TEST_F(NcclCommunicatorTest, SharesOfAnySizeAreGatheredAndReduced) {
  for (const int ranks : {2, 3, 4}) {
    for (const bool even : {true, false}) {
      on_all(ranks, [&](Rank& mine) {
        const auto self = static_cast<size_t>(mine.comm->rank());
        const std::vector<size_t> shares = shares_of(ranks, even);
        const size_t total = std::accumulate(shares.begin(), shares.end(), size_t{0});
        const auto begin = std::accumulate(shares.begin(), shares.begin() + mine.comm->rank(),
                                           static_cast<ptrdiff_t>(0));
        std::vector<size_t> bytes;
        for (size_t share : shares) bytes.push_back(share * sizeof(float));
        const std::vector<float> whole = numbers(7, total), in = numbers(mine.comm->rank(), total);
        const std::vector<float> part(whole.begin() + begin,
                                      whole.begin() + begin + static_cast<ptrdiff_t>(shares[self]));
        std::vector<float> gathered(total), reduced(shares[self]);
        NcclSteps steps;
        add_all_gather(&steps, self, part.data(), bytes, gathered.data());
        add_reduce_scatter(&steps, self, in.data(), shares, reduced.data(), DType::kFloat32,
                           Reduction::kSum);
        ASSERT_EQ(mine.run(steps), ok_status());
        EXPECT_EQ(gathered, whole);
        const auto all = sums(ranks, total);
        EXPECT_TRUE(std::equal(reduced.begin(), reduced.end(), all.begin() + begin));
        mine.comm->close(soon());
      });
    }
  }
}

TEST_F(NcclCommunicatorTest, PartsGoFromEachToEachInTheirOrder) {
  const auto size_of = [](size_t from, size_t to) { return (from * 5 + to * 3) % 4; };
  on_all(4, [&](Rank& mine) {
    const auto self = static_cast<size_t>(mine.comm->rank());
    std::vector<size_t> to, from;
    std::string in, expected;
    for (size_t peer = 0; peer < 4; ++peer) {
      to.push_back(size_of(self, peer));
      from.push_back(size_of(peer, self));
      in += std::string(to.back(), static_cast<char>('a' + self * 4 + peer));
      expected += std::string(from.back(), static_cast<char>('a' + peer * 4 + self));
    }
    std::string out(expected.size(), '?'), twice(out);
    std::string upper = in;
    for (char& c : upper) c = static_cast<char>(c - 32);
    NcclSteps steps;
    add_all_to_all(&steps, in.data(), to, out.data(), from);
    add_all_to_all(&steps, upper.data(), to, twice.data(), from);
    ASSERT_EQ(mine.run(steps), ok_status());
    EXPECT_EQ(out, expected);
    for (char& c : twice) c = static_cast<char>(c + 32);
    EXPECT_EQ(twice, expected);
    mine.comm->close(soon());
  });
}

TEST_F(NcclCommunicatorTest, WhatOneHasGoesToAll) {
  on_all(3, [](Rank& mine) {
    for (int root = 0; root < 3; ++root) {
      int64_t value = mine.comm->rank() == root ? 40 + root : 0;
      NcclSteps steps;
      add_broadcast(&steps, &value, sizeof value, root);
      ASSERT_EQ(mine.run(steps), ok_status());
      EXPECT_EQ(value, 40 + root);
    }
    mine.comm->close(soon());
  });
}

TEST_F(NcclCommunicatorTest, LaunchesOfTwoGroupsOnOneStreamComeInTheirOrder) {
  nccl::UniqueId other;
  ASSERT_EQ(library_.unique_id(&other), nccl::kSuccess);
  on_all(2, [&](Rank& mine) {
    auto second =
        NcclCommunicator::join(library_, other, {.rank = mine.comm->rank(), .size = 2}, soon(), {});
    ASSERT_TRUE(second.ok()) << second.status().to_string();
    int64_t value = 1;
    NcclSteps steps;
    add_all_reduce(&steps, &value, 1, DType::kInt64, Reduction::kSum);
    // Nobody waits in between.
    for (int i = 0; i < 10; ++i) {
      ASSERT_EQ(mine.comm->run(steps, &mine.stream), ok_status());
      ASSERT_EQ((*second)->run(steps, &mine.stream), ok_status());
    }
    mine.stream.synchronize();
    EXPECT_EQ(value, int64_t{1} << 20);
    (*second)->close(soon());
    mine.comm->close(soon());
  });
}

TEST_F(NcclCommunicatorTest, AnAbortEndsWhatWaitsForAPeerAndEveryLaterCall) {
  on_all(2, [](Rank& mine) {
    int64_t value = 1;
    NcclSteps steps;
    add_all_reduce(&steps, &value, 1, DType::kInt64, Reduction::kSum);
    if (mine.comm->rank() == 0) {
      ASSERT_EQ(mine.comm->run(steps, &mine.stream), ok_status());  // the other never does
      std::thread aborting([&] { mine.comm->abort(unavailable("rank 1 is gone")); });
      mine.stream.synchronize();
      aborting.join();
    } else {
      mine.comm->abort(unavailable("rank 1 is gone"));
    }
    mine.comm->abort(cancelled("too late"));
    for (const Status& status : {mine.comm->check(), mine.comm->run(steps, &mine.stream)}) {
      EXPECT_EQ(status, unavailable("rank 1 is gone"));
    }
  });
}

TEST_F(NcclCommunicatorTest, WhatTheLibraryReportsLaterIsFound) {
  on_all(1, [](Rank& mine) {
    EXPECT_EQ(mine.comm->check(), ok_status());
    set_test_nccl("moai_test_nccl_async_error", nccl::kRemoteError);
    const Status status = mine.comm->check();
    EXPECT_EQ(status.code(), Code::kUnavailable);
    EXPECT_THAT(status.message(), HasSubstr("a remote error: the test library has no more"));
  });
  set_test_nccl("moai_test_nccl_async_error", nccl::kSuccess);
}

TEST_F(NcclCommunicatorTest, ALaunchThatMakesNoSenseSaysSoAndEndsItsGroup) {
  on_all(1, [](Rank& mine) {
    int64_t value = 3;
    NcclSteps steps;
    add_broadcast(&steps, &value, size_t{1} << 40, 0);
    EXPECT_THAT(mine.run(steps).message(), HasSubstr("a launch on rank 0 of 1: internal error"));
    steps.clear();
    add_broadcast(&steps, &value, sizeof value, 0);
    EXPECT_EQ(mine.run(steps), ok_status());
    mine.comm->close(soon());
  });
}

TEST_F(NcclCommunicatorTest, WhoeverWaitsForRanksToJoinIsInterruptedOrGivesUp) {
  nccl::UniqueId id;
  ASSERT_EQ(library_.unique_id(&id), nccl::kSuccess);
  const NcclCommunicator::Place place{.rank = 0, .size = 2};
  const Interrupt gone = [] { return unavailable("rank 1 ended"); };
  EXPECT_EQ(NcclCommunicator::join(library_, id, place, soon(), gone).status(),
            unavailable("rank 1 ended"));
  ASSERT_EQ(library_.unique_id(&id), nccl::kSuccess);
  const auto late = steady_clock::now() + milliseconds(30);
  const Status status = NcclCommunicator::join(library_, id, place, late, {}).status();
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded);
  EXPECT_THAT(status.message(), HasSubstr("ncclCommInitRankConfig on rank 0 of 2"));
  EXPECT_EQ(get_test_nccl("moai_test_nccl_open"), 0);
}

}  // namespace
}  // namespace moai::comm
