#include "moai/worker/collective/direct_groups.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <functional>
#include <numeric>
#include <thread>

#include "moai/comm/collective/shared_memory.h"
#include "moai/device/fake/fake_device.h"
#include "moai/worker/collective/collective_device.h"
#include "moai/worker/testing/host_queue.h"

namespace moai::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;

constexpr char kSum[] = "moai::all_reduce((f64[1]!), \"sum\", 0) -> _";

std::string unique_name() {
  static std::atomic<int> number{0};
  return "moai-direct-" + std::to_string(::getpid()) + "-" + std::to_string(number++);
}

// A rank on a device with a stream of its own, and one value.
class Rank {
 public:
  Rank(const std::string& name, int rank, int size,
       const std::function<void(NcclSetup*)>& change = {},
       milliseconds patience = milliseconds(20'000))
      : queue_("fake:" + std::to_string(rank), &stream_), groups_(setup(change)) {
    options_.patience = patience;
    options_.arrival = patience / 4;
    options_.linger = milliseconds(100);
    join(name, rank, size);
    value_ = *device_.allocate(sizeof(double));
    const double one = 1;
    const std::string_view bytes(reinterpret_cast<const char*>(&one), sizeof one);
    EXPECT_EQ(device_.copy_in(value_.get(), 0, bytes), ok_status());
  }
  ~Rank() { groups_.clear(); }

  void join(const std::string& name, int rank, int size) {
    groups_.clear();
    comm::SharedMemoryOptions options{.name = name, .rank = rank, .size = size};
    options.group = options_;
    auto joined = comm::join_shared_memory(options);
    ASSERT_TRUE(joined.ok()) << joined.status().to_string();
    comm::Group& world = groups_.open(std::move(*joined));
    std::vector<int> all(static_cast<size_t>(size));
    std::iota(all.begin(), all.end(), 0);
    std::vector<std::unique_ptr<comm::Group>> groups;
    groups.push_back(std::move(*world.make_subgroup(all)));
    auto why_not = groups_.direct().join(&world, groups, options_);
    why_not_ = why_not.ok() ? *why_not : why_not.status().to_string();
    groups_.set(std::move(groups));
  }

  // Enqueues; what it said.
  Status sum() {
    auto call = device_.prepare(ops::call_signature_from_string(kSum).value());
    if (!call.ok()) return call.status();
    device::Buffer* const operands[] = {value_.get()};
    return (*call)->run(operands, {}, {});
  }
  Status skip() {
    auto call = device_.prepare(ops::call_signature_from_string(kSum).value());
    if (!call.ok()) return call.status();
    (*call)->skipped(resource_exhausted("the operand's memory"));
    return ok_status();
  }
  // The value, or why there is none.
  std::string read() {
    double value = 0;
    const Status status =
        device_.copy_out(*value_, 0, sizeof value, reinterpret_cast<char*>(&value));
    return status.ok() ? std::to_string(static_cast<int>(value)) : status.to_string();
  }
  std::string ask() {
    auto call = device_.prepare(
        ops::call_signature_from_string("aten::_local_scalar_dense(f64[1]) -> _").value());
    device::Buffer* const operands[] = {value_.get()};
    const auto values = (*call)->ask(operands, {});
    return values.ok() ? std::to_string(static_cast<int>((*values)[0].real))
                       : values.status().to_string();
  }
  const std::string& why_not() const { return why_not_; }
  Groups& groups() { return groups_; }
  device::Device& device() { return device_; }

 private:
  NcclSetup setup(const std::function<void(NcclSetup*)>& change) {
    NcclSetup made = nccl_setup(&queue_, comm::test_nccl_file());
    if (change) change(&made);
    return made;
  }

  comm::GroupOptions options_;
  std::unique_ptr<device::FakeDevice> inner_ = device::make_fake_device();
  device::BufferPtr value_;
  comm::HostStream stream_;
  HostQueue queue_;
  StreamedDevice streamed_{inner_.get(), &queue_};
  Groups groups_;
  CollectiveDevice device_{&streamed_, &groups_};
  std::string why_not_;
};

// What each of the ranks, which are threads, ends up with.
std::vector<std::string> on_ranks(
    int size, const std::function<std::string(const std::string& name, int rank)>& body) {
  const std::string name = unique_name();
  std::vector<std::string> out(static_cast<size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] { out[static_cast<size_t>(rank)] = body(name, rank); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(comm::get_test_nccl("moai_test_nccl_open"), 0);
  return out;
}

TEST(DirectGroups, RanksExchangeWithoutWaitingAndLeaveInGoodOrder) {
  const int aborted = comm::get_test_nccl("moai_test_nccl_aborted");
  const auto out = on_ranks(3, [](const std::string& name, int r) {
    Rank rank(name, r, 3);
    EXPECT_EQ(rank.why_not(), "");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(rank.sum(), ok_status());
    EXPECT_EQ(rank.device().synchronize(), ok_status());
    const std::string asked = rank.ask();
    rank.join(name + "-again", r, 3);
    EXPECT_EQ(rank.sum(), ok_status());
    return asked + " " + rank.read();
  });
  EXPECT_THAT(out, testing::Each("27 81"));
  EXPECT_EQ(comm::get_test_nccl("moai_test_nccl_aborted"), aborted);
}

TEST(DirectGroups, AllGoThroughTheHostForTheReasonOfOne) {
  struct {
    std::function<void(NcclSetup*, int)> change;
    std::string why_not;
  } const rows[] = {
      {[](NcclSetup* s, int r) {
         if (r == 1) *s = nccl_setup(s->queue, "0");
       },
       "rank 1: MOAI_NCCL=0"},
      {[](NcclSetup* s, int r) {
         if (r == 1) *s = nccl_setup(s->queue, "libno-such-library.so");
       },
       "rank 1: [comm.nccl] libno-such-library.so: "},
      {[](NcclSetup* s, int) { *s = nccl_setup(nullptr, ""); },
       "rank 0: its device exchanges through host memory"},
  };
  for (const auto& row : rows) {
    const auto out = on_ranks(2, [&](const std::string& name, int r) {
      Rank rank(name, r, 2, [&](NcclSetup* s) { row.change(s, r); });
      EXPECT_THAT(rank.why_not(), HasSubstr(row.why_not));
      EXPECT_FALSE(rank.groups().direct().any());
      EXPECT_EQ(rank.sum(), ok_status());
      return rank.read() + rank.why_not();
    });
    EXPECT_EQ(out[0], out[1]);
    EXPECT_EQ(out[0][0], '2');
  }
}

TEST(DirectGroups, ARankWhoseLibraryFailsHasAllGoThroughTheHost) {
  comm::set_test_nccl("moai_test_nccl_fail_init", 1);
  const auto out = on_ranks(2, [](const std::string& name, int r) {
    Rank rank(name, r, 2, {}, milliseconds(200));
    EXPECT_EQ(rank.sum(), ok_status());
    return rank.read() + " " + rank.why_not();
  });
  comm::set_test_nccl("moai_test_nccl_fail_init", -1);
  // Who waits for it hears of it when it has waited long enough.
  EXPECT_EQ(out[0], out[1]);
  EXPECT_THAT(out[0], AllOf(HasSubstr("2 rank 0: "), HasSubstr("did not end in time")));
}

// It agrees, but neither watches nor comes to NCCL.
TEST(DirectGroups, ARankThatFailsWhileOthersJoinEndsTheirWait) {
  comm::set_test_nccl("moai_test_nccl_fail_init", 1);
  const auto start = steady_clock::now();
  const auto out = on_ranks(2, [](const std::string& name, int r) -> std::string {
    if (r == 0) return Rank(name, r, 2).why_not();
    auto joined = comm::join_shared_memory({.name = name, .rank = r, .size = 2});
    if (!joined.ok()) return joined.status().to_string();
    comm::Group& world = **joined;
    const auto axis = world.make_subgroup(std::vector<int>{0, 1});
    const auto agreed = comm::agree_on_nccl(
        &world, {.kind = "cuda", .device = "fake:1 of another host", .version = 22809});
    EXPECT_TRUE(agreed.ok() && agreed->empty());
    const auto library = comm::load_nccl(comm::test_nccl_file());
    const auto made = comm::join_nccl(axis->get(), *library, milliseconds(100),
                                      steady_clock::now() + milliseconds(100), {});
    world.abort(cancelled("it was told to"));
    return made.status().message();
  });
  comm::set_test_nccl("moai_test_nccl_fail_init", -1);
  EXPECT_THAT(out[1], HasSubstr("system error"));
  EXPECT_THAT(out[0], HasSubstr("it was told to"));
  EXPECT_LT(steady_clock::now() - start, milliseconds(2000));
}

TEST(DirectGroups, ARankThatCannotTakePartEndsWhatTheOthersWaitFor) {
  const auto out = on_ranks(2, [](const std::string& name, int r) -> std::string {
    Rank rank(name, r, 2);
    if (r == 0) {
      EXPECT_EQ(rank.skip(), ok_status());
      return rank.sum().to_string();
    }
    EXPECT_EQ(rank.sum(), ok_status());
    const std::string text = rank.read();
    EXPECT_THAT(rank.ask(), HasSubstr("may be damaged"));
    EXPECT_THAT(rank.device().synchronize().message(), HasSubstr("may be damaged"));
    // Groups that are made later work; what was held before is told to be lost, once.
    rank.groups().clear();
    EXPECT_THAT(rank.groups().direct().take_damage().message(), HasSubstr("may be damaged"));
    EXPECT_EQ(rank.groups().direct().take_damage(), ok_status());
    return text;
  });
  EXPECT_THAT(out[0], HasSubstr("the operand's memory"));
  EXPECT_THAT(out[1], AllOf(HasSubstr("RESOURCE_EXHAUSTED"), HasSubstr("may be damaged"),
                            HasSubstr("the operand's memory")));
}

TEST(DirectGroups, ARankThatNeverMakesTheCallIsGivenUpAfterThePatience) {
  std::atomic<bool> done = false;
  const auto out = on_ranks(2, [&](const std::string& name, int r) -> std::string {
    Rank rank(name, r, 2, {}, milliseconds(300));
    if (r == 0) {
      while (!done) std::this_thread::yield();
      // What the other gave before may still suffice for one.
      for (int i = 0; i < 2; ++i) rank.sum().ignore("it may have heard of the other by now");
      const std::string text = rank.read();
      return text == "1" ? rank.sum().to_string() : text;
    }
    EXPECT_EQ(rank.sum(), ok_status());
    const std::string text = rank.read();
    done = true;
    return text;
  });
  EXPECT_THAT(out[1], AllOf(HasSubstr("DEADLINE_EXCEEDED"), HasSubstr("has not ended in time")));
  EXPECT_THAT(out[0], HasSubstr("has not ended in time"));
}

TEST(DirectGroups, ARankThatLeavesAloneDoesNotWaitForWhatNeverComes) {
  std::atomic<bool> left = false;
  const auto out = on_ranks(2, [&](const std::string& name, int r) -> std::string {
    Rank rank(name, r, 2);
    if (r == 1) {
      while (!left) std::this_thread::yield();
      return "late";
    }
    EXPECT_EQ(rank.sum(), ok_status());
    const auto start = steady_clock::now();
    rank.groups().clear(DirectGroups::Leaving::kAlone);
    EXPECT_LT(steady_clock::now() - start, milliseconds(4000));
    left = true;
    return rank.groups().direct().take_damage().message();
  });
  EXPECT_THAT(out[0], AllOf(HasSubstr("may be damaged"), HasSubstr("has not ended in time")));
}

TEST(DirectGroups, WhatTheLibraryReportsLaterEndsTheGroupsOfAll) {
  std::atomic<int> summed = 0;
  const auto out = on_ranks(2, [&](const std::string& name, int r) {
    Rank rank(name, r, 2);
    EXPECT_EQ(rank.sum(), ok_status());
    EXPECT_EQ(rank.read(), "2");
    EXPECT_EQ(rank.sum(), ok_status());
    if (++summed == 2) comm::set_test_nccl("moai_test_nccl_async_error", comm::nccl::kRemoteError);
    while (summed < 2) std::this_thread::yield();
    std::string text = rank.read();
    for (int i = 0; i < 1000 && text.size() < 3; ++i) {
      std::this_thread::sleep_for(milliseconds(5));
      text = rank.read();
    }
    return text;
  });
  comm::set_test_nccl("moai_test_nccl_async_error", comm::nccl::kSuccess);
  for (const std::string& text : out) {
    EXPECT_THAT(text, AllOf(HasSubstr("UNAVAILABLE"), HasSubstr("a remote error")));
  }
}

// It ends without a word while the other waits for its device.
TEST(DirectGroups, AKilledRankIsNamedWithinTwoSeconds) {
  const std::string name = unique_name();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(20);
    Rank rank(name, 1, 2);
    if (rank.sum().ok() && rank.read() == "2") ::raise(SIGKILL);
    ::_exit(1);
  }
  std::string text;
  auto start = steady_clock::now();
  {
    Rank rank(name, 0, 2);
    EXPECT_EQ(rank.why_not(), "");
    EXPECT_EQ(rank.sum(), ok_status());
    EXPECT_EQ(rank.read(), "2");
    int state = 0;
    ASSERT_EQ(::waitpid(child, &state, 0), child);
    EXPECT_TRUE(WIFSIGNALED(state));
    start = steady_clock::now();
    rank.sum().ignore("the watch may have found it already");
    text = rank.read();
    if (text == "2") {  // the call was refused before it was enqueued, so nothing is damaged
      text = rank.sum().to_string();
    }
    EXPECT_LT(steady_clock::now() - start, milliseconds(2000));
  }
  EXPECT_THAT(text, AllOf(HasSubstr("UNAVAILABLE"), HasSubstr("rank 1 (process "),
                          HasSubstr("its log says why")));
  EXPECT_LT(steady_clock::now() - start, milliseconds(2000));
}

TEST(DirectGroups, AStartEnqueuesAndItsWaitHasNothingToDo) {
  const auto out = on_ranks(2, [](const std::string& name, int r) {
    Rank rank(name, r, 2);
    const auto call = [&](const char* text, device::Buffer* value) {
      auto made = rank.device().prepare(ops::call_signature_from_string(text).value());
      device::Buffer* const operands[] = {value};
      return made.ok() ? (*made)->run(operands, {}, {}).to_string() : made.status().to_string();
    };
    device::BufferPtr value = *rank.device().allocate(sizeof(double));
    EXPECT_EQ(call("moai::all_reduce.start((f64[1]!), \"sum\", 0) -> _", value.get()), "OK");
    EXPECT_EQ(call("moai::wait((f64[1]!), 0) -> _", value.get()), "OK");
    EXPECT_EQ(rank.device().synchronize(), ok_status());
    return call("moai::wait((f64[1]!), 0) -> _", value.get());
  });
  EXPECT_THAT(out[0], HasSubstr("no exchange was started"));
}

}  // namespace
}  // namespace moai::worker
