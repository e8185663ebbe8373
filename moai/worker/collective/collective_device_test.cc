#include "moai/worker/collective/collective_device.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <numeric>
#include <thread>

#include "moai/comm/collective/shared_memory.h"
#include "moai/device/fake/fake_device.h"
#include "moai/ops/started_call.h"
#include "moai/worker/testing/host_queue.h"

namespace moai::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string bytes_of(const std::vector<double>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double)};
}
std::vector<double> doubles_of(const std::string& bytes) {
  std::vector<double> values(bytes.size() / sizeof(double));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// One rank: a device of its own in a thread of its own, which exchanges through host memory or as
// an accelerator does.
class Rank {
 public:
  Rank(const std::string& name, int rank, int size, bool direct = false)
      : queue_("fake:" + std::to_string(rank), nullptr),
        groups_(direct ? nccl_setup(&queue_, comm::test_nccl_file()) : NcclSetup{}) {
    comm::SharedMemoryOptions options{.name = name, .rank = rank, .size = size};
    options.group.patience = std::chrono::seconds(20);
    auto group = comm::join_shared_memory(options);
    EXPECT_TRUE(group.ok()) << group.status().to_string();
    if (!group.ok()) return;
    comm::Group& world = groups_.open(std::move(*group));
    std::vector<std::unique_ptr<comm::Group>> groups;
    std::vector<int> all(static_cast<size_t>(size));
    std::iota(all.begin(), all.end(), 0);
    groups.push_back(std::move(*world.make_subgroup(all)));
    const auto why_not = groups_.direct().join(&world, groups, options.group);
    EXPECT_TRUE(why_not.ok() && why_not->empty() == direct) << *why_not;
    groups_.set(std::move(groups));
  }

  // Runs a call on operands that hold `values`; what it returned, or else the first of what it made
  // or changed.
  std::string run(const std::string& signature, const std::vector<std::vector<double>>& values,
                  bool all = false) {
    auto call = device_.prepare(ops::call_signature_from_string(signature).value());
    if (!call.ok()) return call.status().to_string();
    const std::vector<device::BufferPtr> owned = hold(values);
    std::vector<device::BufferPtr> fresh(
        std::max<size_t>(1, ops::arity(ops::call_signature_from_string(signature).value()).fresh));
    const std::vector<device::Buffer*> operands = pointers(owned);
    const Status status = (*call)->run(operands, {}, fresh);
    if (!status.ok()) return status.to_string();
    if (all) return bytes_of_all(fresh);
    const device::Buffer* made = fresh[0] ? fresh[0].get() : operands.back();
    std::string out(made->size_bytes(), '\0');
    EXPECT_EQ(device_.copy_out(*made, 0, out.size(), out.data()), ok_status());
    return out;
  }
  // The same; all that it made, one after the other.
  std::string run_all(const std::string& signature,
                      const std::vector<std::vector<double>>& values) {
    return run(signature, values, true);
  }
  // Starts the exchange; what it makes, and its operands.
  struct Begun {
    ops::CallSignature signature{};
    std::vector<device::BufferPtr> owned{}, fresh{};
  };
  Begun start(const std::string& text, const std::vector<std::vector<double>>& values) {
    Begun begun{.signature = ops::start_of(ops::call_signature_from_string(text).value())};
    begun.owned = hold(values);
    begun.fresh.resize(ops::arity(begun.signature).fresh);
    auto call = device_.prepare(begun.signature);
    EXPECT_TRUE(call.ok()) << call.status().to_string();
    if (!call.ok()) return begun;
    EXPECT_EQ((*call)->run(pointers(begun.owned), {}, begun.fresh), ok_status());
    return begun;
  }
  // All that it made, or what failed.
  std::string wait(const Begun& begun) {
    auto call = device_.prepare(ops::wait_of(begun.signature));
    if (!call.ok()) return call.status().to_string();
    const auto& made = ops::makes_in_place(begun.signature) ? begun.owned : begun.fresh;
    const Status status = (*call)->run(pointers(made), {}, {});
    return status.ok() ? bytes_of_all(made) : status.to_string();
  }
  void leave() { groups_.clear(); }

  std::string skip(const std::string& signature) {
    auto call = device_.prepare(ops::call_signature_from_string(signature).value());
    if (!call.ok()) return call.status().to_string();
    (*call)->skipped(resource_exhausted("the operand's memory"));
    return "skipped";
  }

 private:
  std::vector<device::BufferPtr> hold(const std::vector<std::vector<double>>& values) {
    std::vector<device::BufferPtr> owned;
    for (const std::vector<double>& v : values) {
      const std::string bytes = bytes_of(v);
      owned.push_back(std::move(*device_.allocate(bytes.size())));
      EXPECT_EQ(device_.copy_in(owned.back().get(), 0, bytes), ok_status());
    }
    return owned;
  }
  static std::vector<device::Buffer*> pointers(const std::vector<device::BufferPtr>& owned) {
    std::vector<device::Buffer*> all;
    for (const device::BufferPtr& b : owned) all.push_back(b.get());
    return all;
  }
  std::string bytes_of_all(const std::vector<device::BufferPtr>& fresh) {
    std::string all;
    for (const device::BufferPtr& b : fresh) {
      if (!b) continue;
      std::string one(b->size_bytes(), '\0');
      EXPECT_EQ(device_.copy_out(*b, 0, one.size(), one.data()), ok_status());
      all += one;
    }
    return all;
  }

  std::unique_ptr<device::FakeDevice> inner_ = device::make_fake_device();
  HostQueue queue_;
  StreamedDevice streamed_{inner_.get(), &queue_};
  Groups groups_;
  CollectiveDevice device_{&streamed_, &groups_};
};

// What each of two ranks ends up with.
template <class Body>
std::vector<std::string> on_two_ranks(const Body& body, bool direct = false) {
  static std::atomic<int> number{0};
  const std::string name =
      "moai-collective-" + std::to_string(::getpid()) + "-" + std::to_string(number++);
  std::vector<std::string> out(2);
  std::vector<std::thread> threads;
  for (int r = 0; r < 2; ++r) {
    threads.emplace_back([&, r] {
      Rank rank(name, r, 2, direct);
      out[static_cast<size_t>(r)] = body(rank, r);
    });
  }
  for (std::thread& t : threads) t.join();
  return out;
}

// Through host memory, and from device to device.
class EitherWay : public testing::TestWithParam<bool> {
 protected:
  template <class Body>
  static std::vector<std::string> run(const Body& body) {
    return on_two_ranks(body, GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(CollectiveDevice, EitherWay, testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "direct" : "through_the_host");
});

TEST_P(EitherWay, SumsAListInPlace) {
  const auto out = run([](Rank& rank, int r) {
    return rank.run("moai::all_reduce((f64[2]!, f64[1]!), \"sum\", 0) -> _",
                    {{1.0 + r, 2}, {10.0 * r}});
  });
  EXPECT_THAT(doubles_of(out[0]), ElementsAre(10)) << "the second of the list";
  EXPECT_EQ(out[0], out[1]);
}

TEST_P(EitherWay, GathersSharesAlongADimension) {
  const auto out = run([](Rank& rank, int r) {
    return r == 0 ? rank.run("moai::all_gather(f64[2,2], 1, [2,1], 0) -> f64[2,3]", {{1, 2, 4, 5}})
                  : rank.run("moai::all_gather(f64[2,1], 1, [2,1], 0) -> f64[2,3]", {{3, 6}});
  });
  EXPECT_THAT(doubles_of(out[0]), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(out[0], out[1]);
}

TEST_P(EitherWay, ScattersASumAlongADimension) {
  const auto out = run([](Rank& rank, int r) {
    const std::string mine = r == 0 ? "f64[2,2]" : "f64[2,1]";
    return rank.run("moai::reduce_scatter(f64[2,3], 1, [2,1], \"sum\", 0) -> " + mine,
                    {{1, 2, 3, 4, 5, 6}});
  });
  EXPECT_THAT(doubles_of(out[0]), ElementsAre(2, 4, 8, 10));
  EXPECT_THAT(doubles_of(out[1]), ElementsAre(6, 12));
}

// The first has its shares along the outermost dimension, the second along another.
TEST_P(EitherWay, GathersSeveralAtOnce) {
  const auto out = run([](Rank& rank, int r) {
    return r == 0 ? rank.run_all(
                        "moai::all_gather((f64[1,2,1], f64[2,1,1]), 1, ([2,1], [1,2]), 0) "
                        "-> f64[1,3,1], f64[2,3,1]",
                        {{1, 2}, {4, 7}})
                  : rank.run_all(
                        "moai::all_gather((f64[1,1,1], f64[2,2,1]), 1, ([2,1], [1,2]), 0) "
                        "-> f64[1,3,1], f64[2,3,1]",
                        {{3}, {5, 6, 8, 9}});
  });
  EXPECT_THAT(doubles_of(out[0]), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(out[0], out[1]);
}

TEST_P(EitherWay, ScattersSeveralSumsAtOnce) {
  const auto out = run([](Rank& rank, int r) {
    const std::string results = r == 0 ? "f64[1,2,1], f64[2,1,1]" : "f64[1,1,1], f64[2,2,1]";
    return rank.run_all(
        "moai::reduce_scatter((f64[1,3,1], f64[2,3,1]), 1, ([2,1], [1,2]), \"sum\", 0) -> " +
            results,
        {{1, 2, 3}, {4, 5, 6, 7, 8, 9}});
  });
  EXPECT_THAT(doubles_of(out[0]), ElementsAre(2, 4, 8, 14));
  EXPECT_THAT(doubles_of(out[1]), ElementsAre(6, 10, 12, 16, 18));
}

// One rank has nothing of the first.
TEST_P(EitherWay, ExchangesSeveralAtOnce) {
  const auto out = run([](Rank& rank, int r) {
    const std::string text = r == 0
                                 ? "moai::all_to_all((f64[2,1], f64[1,2]), 0, ([2,0], [1,1]), 1, "
                                   "([0,1], [1,1]), 0) -> f64[2,0], f64[2,1]"
                                 : "moai::all_to_all((f64[0,1], f64[1,2]), 0, ([2,0], [1,1]), 1, "
                                   "([0,1], [1,1]), 0) -> f64[2,1], f64[2,1]";
    return r == 0 ? rank.run_all(text, {{1, 2}, {3, 4}}) : rank.run_all(text, {{}, {5, 6}});
  });
  EXPECT_THAT(doubles_of(out[0]), ElementsAre(3, 5));
  EXPECT_THAT(doubles_of(out[1]), ElementsAre(1, 2, 4, 6));
}

TEST_P(EitherWay, SharesOfOneDimensionBecomeSharesOfAnother) {
  const auto out = run([](Rank& rank, int r) {
    return r == 0 ? rank.run("moai::all_to_all(f64[2,2], 0, [2,1], 1, [1,1], 0) -> f64[3,1]",
                             {{1, 2, 3, 4}})
                  : rank.run("moai::all_to_all(f64[1,2], 0, [2,1], 1, [1,1], 0) -> f64[3,1]",
                             {{5, 6}});
  });
  EXPECT_THAT(doubles_of(out[0]), ElementsAre(1, 3, 5));
  EXPECT_THAT(doubles_of(out[1]), ElementsAre(2, 4, 6));
}

// Each rank waits in another order, and makes a whole call in between.
TEST_P(EitherWay, ExchangesGoOnBesideCalls) {
  const auto out = run([](Rank& rank, int r) {
    const auto sum = rank.start("moai::all_reduce((f64[2]!, f64[1]!), \"sum\", 0) -> _",
                                {{1.0 + r, 2}, {10.0 * r}});
    const std::string part = r == 0 ? "f64[2,2]" : "f64[2,1]";
    const auto scatter = rank.start(
        "moai::reduce_scatter(f64[2,3], 1, [2,1], \"sum\", 0) -> " + part, {{1, 2, 3, 4, 5, 6}});
    const std::string between =
        rank.run("moai::all_reduce((f64[1]!), \"max\", 0) -> _", {{7.0 + r}});
    const auto gather =
        rank.start("moai::all_gather(f64[1,1], 0, [1,1], 0) -> f64[2,1]", {{20.0 + r}});
    if (r == 0) return rank.wait(sum) + between + rank.wait(scatter) + rank.wait(gather);
    const std::string gathered = rank.wait(gather), scattered = rank.wait(scatter);
    return rank.wait(sum) + between + scattered + gathered;
  });
  EXPECT_THAT(doubles_of(out[0]), ElementsAre(3, 4, 10, 8, 2, 4, 8, 10, 20, 21));
  EXPECT_THAT(doubles_of(out[1]), ElementsAre(3, 4, 10, 8, 6, 12, 20, 21));
}

// The first fails beside calls on both ranks, what was started behind it with it.
TEST(CollectiveDevice, WhatFailsBesideCallsShowsAtTheWait) {
  const auto out = on_two_ranks([](Rank& rank, int r) {
    const auto first = rank.start(
        "moai::all_reduce((f64[" + std::to_string(1 + r) + "]!), \"sum\", 0) -> _", {{1, 2}});
    const auto second = rank.start("moai::all_reduce((f64[1]!), \"sum\", 0) -> _", {{1}});
    return rank.wait(second) + "; " + rank.wait(first);
  });
  for (const std::string& text : out) {
    EXPECT_THAT(text, testing::MatchesRegex("FAILED_PRECONDITION.*; FAILED_PRECONDITION.*"));
  }
}

TEST(CollectiveDevice, AStartThatIsSkippedEndsWhatGoesOnElsewhere) {
  const auto out = on_two_ranks([](Rank& rank, int r) {
    constexpr const char* kCall = "moai::all_reduce((f64[1]!), \"sum\", 0) -> _";
    if (r == 0) return rank.skip("moai::all_reduce.start((f64[1]!), \"sum\", 0) -> _");
    return rank.wait(rank.start(kCall, {{1}}));
  });
  EXPECT_EQ(out[0], "skipped");
  EXPECT_THAT(out[1], HasSubstr("the operand's memory"));
}

TEST(CollectiveDevice, AMeshThatIsLeftEndsWhatGoesOn) {
  std::atomic<bool> left = false;
  const auto out = on_two_ranks([&](Rank& rank, int r) -> std::string {
    if (r == 0) {
      while (!left) std::this_thread::yield();
      return "late";
    }
    const auto begun = rank.start("moai::all_reduce((f64[1]!), \"sum\", 0) -> _", {{1}});
    rank.leave();
    left = true;
    return rank.wait(begun);
  });
  EXPECT_THAT(out[1], HasSubstr("FAILED_PRECONDITION"));
}

TEST(CollectiveDevice, WhatWasNotStartedIsNotWaitedFor) {
  Rank alone("moai-collective-nothing-" + std::to_string(::getpid()), 0, 1);
  EXPECT_THAT(alone.run("moai::wait((f64[1]!), 0) -> _", {{1}}), HasSubstr("FAILED_PRECONDITION"));
}

TEST_P(EitherWay, MessagesArriveInTheirOrder) {
  const auto out = run([](Rank& rank, int r) {
    if (r == 0) {
      return rank.run("moai::send(f64[2], 1, 0) -> _", {{1, 2}}) +
             rank.run("moai::send((f64[1], f64[2]), 1, 0) -> _", {{3}, {4, 5}});
    }
    return rank.run("moai::receive(0, 0) -> f64[2]", {}) +
           rank.run("moai::receive(0, 0) -> f64[1], f64[2]", {});
  });
  EXPECT_THAT(doubles_of(out[1]), ElementsAre(1, 2, 3)) << "the first of what came last";
}

TEST_P(EitherWay, OneRanksValueGoesToAll) {
  const auto out = run([](Rank& rank, int r) {
    return r == 1 ? rank.run("moai::broadcast(f64[2], 1, 0) -> _", {{7, 8}})
                  : rank.run("moai::broadcast(1, 0) -> f64[2]", {});
  });
  EXPECT_THAT(doubles_of(out[0]), ElementsAre(7, 8));
}

TEST(CollectiveDevice, AMessageOfAnotherSizeFailsForBoth) {
  const auto out = on_two_ranks([](Rank& rank, int r) {
    if (r == 1) return rank.run("moai::receive(0, 0) -> f64[3]", {});
    rank.run("moai::send(f64[2], 1, 0) -> _", {{1, 2}});
    return rank.run("moai::receive(1, 0) -> f64[1]", {});
  });
  for (const std::string& text : out) EXPECT_THAT(text, HasSubstr("FAILED_PRECONDITION"));
}

TEST_P(EitherWay, ARankThatCannotTakePartTellsTheOthers) {
  const auto out = run([](Rank& rank, int r) {
    constexpr const char* kCall = "moai::all_reduce((f64[1]!), \"sum\", 0) -> _";
    return r == 0 ? rank.skip(kCall) : rank.run(kCall, {{1}});
  });
  EXPECT_EQ(out[0], "skipped");
  EXPECT_THAT(out[1], HasSubstr("RESOURCE_EXHAUSTED"));
  EXPECT_THAT(out[1], HasSubstr("the operand's memory"));
}

TEST(CollectiveDevice, OtherCallsAreTheDevices) {
  Rank alone("moai-collective-alone-" + std::to_string(::getpid()), 0, 1);
  EXPECT_THAT(doubles_of(alone.run("aten::add.Tensor(f64[1], f64[1], 1) -> f64[1]", {{1}, {2}})),
              ElementsAre(3));
}

TEST(CollectiveDevice, MalformedCallsAreRefused) {
  Rank alone("moai-collective-malformed-" + std::to_string(::getpid()), 0, 1);
  for (const char* text : {
           "moai::all_reduce((f64[1]!), \"sum\") -> _",
           "moai::all_reduce((f64[1]), \"sum\", 0) -> _",
           "moai::all_reduce((f64[1]!, f32[1]!), \"sum\", 0) -> _",
           "moai::all_reduce((f64[2]{2}!), \"sum\", 0) -> _",
           "moai::all_reduce((f64[1]!), \"most\", 0) -> _",
           "moai::all_reduce((), \"sum\", 0) -> _",
           "moai::all_gather(f64[2], 0, [3], 0) -> f64[3]",
           "moai::all_gather(f64[2], 1, [2], 0) -> f64[2]",
           "moai::all_gather(f64[2], 0, [2,0], 0) -> f64[2]",
           "moai::all_gather(f64[2], 0, [2], 0) -> f32[2]",
           "moai::all_gather((f64[2], f64[2]), 0, ([2]), 0) -> f64[2], f64[2]",
           "moai::all_gather((f64[2], f64[2]), 0, ([2], [3]), 0) -> f64[2], f64[3]",
           "moai::reduce_scatter(f64[2], 0, [2], 0) -> f64[2]",
           "moai::reduce_scatter((f64[2], f32[2]), 0, ([2], [2]), \"sum\", 0) -> f64[2], f32[2]",
           "moai::all_to_all(f64[2,2], 0, [2], 0, [2], 0) -> f64[2,2]",
           "moai::all_to_all(f64[2,2], 0, [2], 1, [2], 0) -> f64[4]",
           "moai::all_gather.later(f64[2], 0, [2], 0) -> f64[2]",
           "moai::send.start(f64[2], 0, 0) -> _",
           "moai::wait(f64[2]!, 0) -> _",
           "moai::wait((f64[2]), 0) -> _",
           "moai::wait((), 0) -> _",
           "moai::send(f64[2], 0, 0) -> _",
           "moai::send(f64[2], 1, 0) -> _",
           "moai::receive(1, 0) -> f64[2]",
           "moai::broadcast(0, 0) -> f64[2]",
           "moai::broadcast(f64[2], 1, 0) -> _",
           "moai::broadcast(f64[2,2]{1,2}, 0, 0) -> _",
       }) {
    EXPECT_THAT(alone.run(text, {{1, 2, 3, 4}}), HasSubstr("INVALID_ARGUMENT")) << text;
  }
  EXPECT_THAT(alone.run("moai::all_reduce((f64[1]!), \"sum\", 3) -> _", {{1}}),
              HasSubstr("no group 3"));
}

}  // namespace
}  // namespace moai::worker
