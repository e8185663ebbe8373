#include "moai/driver/engine.h"

#include <gmock/gmock.h>

#include "moai/driver/testing/played_lease.h"
#include "moai/driver/testing/script.h"

namespace moai::driver {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EngineTest : public testing::Test {
 protected:
  Platform platform_;
  Script script_{&platform_};
  Engine& engine_ = *script_.engine;
};

// ---- recording and reading

TEST_F(EngineTest, NothingIsStartedBeforeACommandLeaves) {
  EXPECT_FALSE(engine_.connected());
  EXPECT_EQ(engine_.memory_bytes(), 0u);
  EXPECT_EQ(engine_.ended(), ok_status());
  EXPECT_EQ(platform_.connects, 0);
  script_.value(script_.upload({1, 2}));
  EXPECT_TRUE(engine_.connected());
  EXPECT_EQ(engine_.memory_bytes(), uint64_t{1} << 30);
  EXPECT_EQ(platform_.connects, 1);
}

TEST_F(EngineTest, ReadsWhatWasComputed) {
  const StorageId a = script_.upload({1, 2}), b = script_.upload({10, 20});
  const StorageId c = script_.add(a, b, 0.5);
  script_.add_to(a, c);
  EXPECT_THAT(script_.value(c), ElementsAre(6, 12));
  EXPECT_THAT(script_.value(a), ElementsAre(7, 14));
}

TEST_F(EngineTest, ReadsManyRangesAtOnce) {
  const StorageId a = script_.upload({1, 2}), b = script_.upload({3, 4});
  double first = 0, second = 0;
  const Driver::ReadInto ranges[] = {{a, 8, 8, reinterpret_cast<char*>(&first)},
                                     {b, 0, 8, reinterpret_cast<char*>(&second)}};
  EXPECT_EQ(engine_.read(ranges, {}), ok_status());
  EXPECT_EQ(first, 2);
  EXPECT_EQ(second, 3);
  EXPECT_EQ(engine_.read({}, {}), ok_status()) << "nothing is read at once";
}

TEST_F(EngineTest, UploadsIntoAPartOfAStorage) {
  const StorageId a = script_.upload({1, 2});
  const double value = 9;
  EXPECT_EQ(engine_.upload(a, 16, 8, {reinterpret_cast<const char*>(&value), 8}, false),
            ok_status());
  EXPECT_THAT(script_.value(a), ElementsAre(1, 9));
}

TEST_F(EngineTest, AllocatesResizesAndFrees) {
  const StorageId a = engine_.next_storage(1);
  engine_.alloc(a, 16);
  script_.fill(a, 3);
  EXPECT_THAT(script_.value(a), ElementsAre(3, 3));
  engine_.resize(a, 64);
  EXPECT_EQ(engine_.synchronize({}), ok_status());
  EXPECT_EQ(platform_.device->allocated_bytes(), 64u);
  engine_.free(a);
  EXPECT_EQ(engine_.synchronize({}), ok_status());
  EXPECT_EQ(platform_.device->allocated_bytes(), 0u);
}

TEST_F(EngineTest, WhatWasRecordedLeavesByItself) {
  const StorageId a = script_.upload({1, 2});
  script_.add(a, a);
  EXPECT_TRUE(eventually([&] { return platform_.device->calls() == 1; }));
  engine_.free(a);
  EXPECT_TRUE(eventually([&] { return platform_.device->allocated_bytes() == 16; }))
      << "also what a deleter says when nothing else is recorded";
  EXPECT_EQ(engine_.statistics().round_trips, 0u);
}

TEST_F(EngineTest, ItsVersionGrowsWithWhatMayChangeAStorage) {
  uint64_t seen = engine_.version();
  const auto grew = [&] { return engine_.version() > std::exchange(seen, engine_.version()); };
  const StorageId a = script_.upload({1, 2});
  EXPECT_TRUE(grew());
  script_.fill(a, 3);
  EXPECT_TRUE(grew());
  ASSERT_TRUE(script_.ask("aten::nonzero(f64[2]) -> _", a).ok());
  EXPECT_TRUE(grew());
  script_.value(a);
  script_.value(a);
  EXPECT_FALSE(grew()) << "to read changes nothing";
}

TEST_F(EngineTest, AsksForWhatOnlyTheWorkerKnows) {
  const StorageId a = script_.upload({0, 5});
  const auto values = script_.ask("aten::nonzero(f64[2]) -> _", a);
  ASSERT_TRUE(values.ok()) << values.status().to_string();
  ASSERT_EQ(values->size(), 1u);
  EXPECT_EQ(values->at(0).geometry.sizes[0], 1);
  int64_t index = 0;
  const Driver::ReadInto range{values->at(0).storage, 0, 8, reinterpret_cast<char*>(&index)};
  EXPECT_EQ(engine_.read({&range, 1}, {}), ok_status());
  EXPECT_EQ(index, 1);
}

TEST_F(EngineTest, AMarkerIsReachedWhenWhatWasBeforeItIsDone) {
  platform_.gate.shut();
  script_.sleep();
  const uint64_t marker = engine_.marker({});
  ASSERT_TRUE(platform_.gate.is_reached());
  auto state = engine_.reached(marker, false, {});
  ASSERT_TRUE(state.ok());
  EXPECT_FALSE(state->reached);
  platform_.gate.open();
  state = engine_.reached(marker, true, {});
  ASSERT_TRUE(state.ok());
  EXPECT_TRUE(state->reached);
  EXPECT_TRUE(engine_.reached(marker, false, {})->reached) << "and stays so";
}

TEST_F(EngineTest, AMarkerIsSeenWithoutWaiting) {
  script_.sleep();
  const uint64_t marker = engine_.marker({});
  EXPECT_TRUE(eventually([&] { return engine_.reached(marker, false, {})->reached; }));
}

TEST_F(EngineTest, AReadInTwoHalvesBringsTheValueOfItsTime) {
  const StorageId a = script_.upload({1, 2});
  double value = 0;
  const Driver::ReadInto range{a, 8, 8, reinterpret_cast<char*>(&value)};
  const uint64_t seen = engine_.version();
  const uint64_t request = engine_.start_read(range);
  EXPECT_EQ(engine_.version(), seen) << "to read changes nothing";
  script_.fill(a, 7);
  EXPECT_EQ(engine_.finish_read(request, range, {}), ok_status());
  EXPECT_EQ(value, 2);
  engine_.drop_read(engine_.start_read(range));
  EXPECT_THAT(script_.value(a), ElementsAre(7, 7));
}

TEST_F(EngineTest, MarkersResetThePeakAndTrim) {
  const StorageId a = script_.upload({1, 2});
  engine_.free(script_.add(a, a));
  EXPECT_EQ(engine_.synchronize({}), ok_status());
  EXPECT_EQ(engine_.worker_memory().allocated_bytes, 16u);
  EXPECT_EQ(engine_.worker_memory().peak_bytes, 32u);
  EXPECT_EQ(engine_.worker_memory().reserved_bytes, 32u);
  const uint64_t marker = engine_.marker({.resets_peak = true, .trims_memory = true});
  EXPECT_TRUE(engine_.reached(marker, true, {}).ok());
  EXPECT_EQ(engine_.worker_memory().peak_bytes, 16u);
  EXPECT_EQ(engine_.worker_memory().reserved_bytes, 16u);
}

// ---- templates

// A step of ten calls over w; returns what it computed.
StorageId step(Script* script, StorageId w, StorageId one) {
  StorageId x = w;
  std::vector<StorageId> made;
  for (int i = 0; i < 10; ++i) made.push_back(x = script->add(x, one));
  script->add_to(w, one);
  for (size_t i = 0; i + 1 < made.size(); ++i) script->engine->free(made[i]);
  script->engine->step_end();
  return x;
}

TEST_F(EngineTest, RepeatedStepsBecomeATemplateAndComputeTheSame) {
  const StorageId w = script_.upload({0, 100}), one = script_.upload({1, 1});
  StorageId last = 0;
  for (int i = 0; i < 20; ++i) {
    if (last) engine_.free(last);
    last = step(&script_, w, one);
  }
  EXPECT_THAT(script_.value(last), ElementsAre(29, 129));
  EXPECT_THAT(script_.value(w), ElementsAre(20, 120));
  const Statistics s = engine_.statistics();
  EXPECT_EQ(s.calls, 220u);
  EXPECT_GE(s.templates, 1u);
  EXPECT_GE(s.template_calls, 150u);
  EXPECT_EQ(platform_.device->calls(), 220u);
  EXPECT_THAT(engine_.describe_windows(), HasSubstr("# template 1: "));
}

TEST_F(EngineTest, WhatIsReadInEveryStepIsFetchedAhead) {
  const StorageId w = script_.upload({0, 0}), one = script_.upload({1, 1});
  for (int i = 0; i < 30; ++i) {
    const StorageId x = step(&script_, w, one);
    ASSERT_THAT(script_.value(x), ElementsAre(i + 10, i + 10));
    engine_.free(x);
  }
  const Statistics s = engine_.statistics();
  EXPECT_GE(s.pushed_hits, 20u);
  EXPECT_GE(s.pushed_reads, s.pushed_hits);
}

TEST_F(EngineTest, WhatIsNoLongerReadIsDroppedWhenItComes) {
  const StorageId w = script_.upload({0, 0}), one = script_.upload({1, 1});
  for (int i = 0; i < 40; ++i) {
    const StorageId x = step(&script_, w, one);
    if (i < 10 || i % 7 == 0) {
      EXPECT_THAT(script_.value(x), ElementsAre(i + 10, i + 10));
    }
    engine_.free(x);
  }
  EXPECT_THAT(script_.value(w), ElementsAre(40, 40));
}

TEST(EngineTemplates, MayBeOff) {
  Platform platform;
  DriverOptions options;
  options.templates = false;
  Script script(&platform, options);
  const StorageId w = script.upload({0, 0}), one = script.upload({1, 1});
  for (int i = 0; i < 10; ++i) step(&script, w, one);
  EXPECT_THAT(script.value(w), ElementsAre(10, 10));
  EXPECT_EQ(script.engine->statistics().template_calls, 0u);
}

// ---- statistics

TEST_F(EngineTest, CountsFramesWithWorkAndCallersWhoWaited) {
  EXPECT_EQ(engine_.synchronize({}), ok_status());
  Statistics s = engine_.statistics();
  EXPECT_EQ(s.flushes, 0u) << "a marker is no work";
  EXPECT_LE(s.round_trips, 1u) << "none when the marker was reached before it was waited for";
  EXPECT_GT(s.bytes_sent, 0u);
  EXPECT_GT(s.bytes_received, 0u);
  const StorageId a = script_.upload({1, 2});
  script_.add(a, a);
  EXPECT_EQ(engine_.synchronize({}), ok_status());
  s = engine_.statistics();
  EXPECT_GE(s.flushes, 2u) << "an upload and a call";
  EXPECT_EQ(s.calls, 1u);
  platform_.gate.shut();
  script_.sleep();
  const auto open_when_waited_for = [&] {
    platform_.gate.open();
    return ok_status();
  };
  EXPECT_EQ(engine_.synchronize(open_when_waited_for), ok_status());
  EXPECT_GT(engine_.statistics().round_trips, s.round_trips);
}

// ---- errors on the device

TEST_F(EngineTest, AFaultIsRaisedOnceWithOperatorAndLine) {
  const StorageId a = script_.upload({1, 2});
  script_.add(a, a, 1, 41);
  script_.fail(a, Code::kOutOfRange, 42);
  script_.add(a, a, 1, 43);
  const Status raised = engine_.synchronize({});
  EXPECT_EQ(raised.code(), Code::kOutOfRange);
  EXPECT_THAT(raised.message(), HasSubstr("failed on demand"));
  const DeviceError error = engine_.last_error();
  EXPECT_EQ(error.status, raised);
  EXPECT_THAT(error.op, HasSubstr("fake::fail"));
  EXPECT_EQ(error.line, 42u);
  EXPECT_EQ(engine_.synchronize({}), ok_status()) << "it was raised";
  EXPECT_EQ(engine_.ended(), ok_status()) << "the device stays usable";
}

TEST_F(EngineTest, WhatAFaultPoisonedStaysSoUntilItIsOverwritten) {
  const StorageId a = script_.upload({1, 2}), other = script_.upload({5, 5});
  script_.fail(a, Code::kOutOfRange, 42);
  const StorageId c = script_.add(a, other, 1, 43);
  EXPECT_EQ(engine_.synchronize({}).code(), Code::kOutOfRange);
  for (const StorageId poisoned : {a, c, a}) {
    EXPECT_EQ(script_.read(poisoned).status().code(), Code::kOutOfRange);
    EXPECT_EQ(engine_.last_error().line, 42u);
  }
  EXPECT_THAT(script_.value(other), ElementsAre(5, 5));
  script_.fill(a, 8);
  EXPECT_THAT(script_.value(a), ElementsAre(8, 8));
  EXPECT_FALSE(script_.read(c).ok());
}

TEST_F(EngineTest, TheFaultOfTheStreamGoesBeforeTheOutcomeOfARead) {
  const StorageId a = script_.upload({1, 2}), b = script_.upload({3, 4});
  script_.fail(a, Code::kAborted, 7);
  EXPECT_EQ(script_.read(b).status().code(), Code::kAborted);
  EXPECT_THAT(script_.value(b), ElementsAre(3, 4));
}

TEST_F(EngineTest, AQuestionThatFailsNamesItsOwnLine) {
  const StorageId a = script_.upload({1, 2});
  const auto signature = script_.signature("fake::fail(f64[2], intword) -> _");
  const uint64_t code = static_cast<uint64_t>(Code::kFailedPrecondition);
  const auto answer =
      engine_.ask(signature, {&a, 1}, {&code, 1}, engine_.next_storage(1), 1, 77, {});
  EXPECT_EQ(answer.status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(engine_.last_error().line, 77u);
  EXPECT_EQ(engine_.synchronize({}), ok_status());
}

TEST_F(EngineTest, OnlyTheFirstOfManyFaultsIsRaised) {
  const StorageId a = script_.upload({1, 2}), b = script_.upload({1, 2});
  script_.fail(a, Code::kOutOfRange, 1);
  script_.fail(b, Code::kAborted, 2);
  EXPECT_EQ(engine_.synchronize({}).code(), Code::kOutOfRange);
  EXPECT_EQ(engine_.synchronize({}), ok_status());
}

// ---- threads

TEST_F(EngineTest, SeveralThreadsRecordAndRead) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const StorageId one = script_.upload({1, 1});
      StorageId x = script_.upload({t * 1000.0, 0});
      for (int i = 1; i <= 200; ++i) {
        const StorageId next = script_.add(x, one);
        engine_.free(x);
        x = next;
        if (i % 10 == 0) {
          EXPECT_THAT(script_.value(x), ElementsAre(t * 1000.0 + i, i));
        }
        if (i % 50 == 0) {
          EXPECT_EQ(engine_.synchronize({}), ok_status());
        }
        if (i % 64 == 0) engine_.step_end();
      }
      EXPECT_GT(engine_.statistics().calls, 0u);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(platform_.device->calls(), 800u);
}

TEST(Driver, IsAnEngineOverALease) {
  Played played("refuse");
  DriverOptions options;
  options.session_program = Played::program();
  options.flavor = "refuse";
  options.framework = "pytorch-2.13.0";
  options.quiet = true;
  const auto driver = Driver::create(options);
  EXPECT_EQ(driver->synchronize({}), resource_exhausted("no device is free"));
  EXPECT_EQ(driver->ended(), resource_exhausted("no device is free"));
}

}  // namespace
}  // namespace moai::driver
