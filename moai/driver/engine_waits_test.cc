// How waits end: interrupts, the end of the Worker or the lease, shutdown, fork.
#include <dirent.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include "moai/driver/testing/played_lease.h"
#include "moai/driver/testing/script.h"
#include "moai/driver/testing/scripted_worker.h"

namespace moai::driver {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;

const Interrupt kInterrupted = [] { return cancelled("Ctrl+C"); };

class EngineWaitsTest : public testing::Test {
 protected:
  EngineWaitsTest() : began_(steady_clock::now()) {}

  // Every call of a driver that has ended fails with `why`, at once.
  void expect_ended(const Status& why) {
    const auto began = steady_clock::now();
    const StorageId a = 1;
    const SignatureId signature = script_.signature("aten::nonzero(f64[2]) -> _");
    EXPECT_EQ(engine_.ended(), why);
    EXPECT_EQ(engine_.append(signature, {&a, 1}, {}, 0), why);
    EXPECT_EQ(engine_.upload(a, 8, 0, "12345678", true), why);
    EXPECT_EQ(engine_.make_room({}), why);
    EXPECT_EQ(script_.read(a).status(), why);
    EXPECT_EQ(script_.ask("aten::nonzero(f64[2]) -> _", a).status(), why);
    EXPECT_EQ(engine_.synchronize({}), why);
    EXPECT_EQ(engine_.reached(engine_.marker({}), false, {}).status(), why);
    engine_.alloc(a, 8);
    engine_.resize(a, 16);
    engine_.free(a);
    engine_.step_end();
    EXPECT_FALSE(engine_.crowded());
    EXPECT_LT(steady_clock::now() - began, milliseconds(1000));
  }
  bool is_early(milliseconds limit = milliseconds(3000)) const {
    return steady_clock::now() - began_ < limit;
  }

  const steady_clock::time_point began_;
  Platform platform_;
  Script script_{&platform_};
  Engine& engine_ = *script_.engine;
};

// ---- interrupts

TEST_F(EngineWaitsTest, AnInterruptEndsTheWaitForALease) {
  platform_.withhold();
  const StorageId a = script_.upload({1, 2});
  EXPECT_EQ(script_.read(a, kInterrupted).status(), cancelled("Ctrl+C"));
  EXPECT_EQ(engine_.synchronize(kInterrupted), cancelled("Ctrl+C"));
  EXPECT_TRUE(is_early());
  platform_.granted = true;
  EXPECT_THAT(script_.value(a), ElementsAre(1, 2)) << "nothing was lost";
}

TEST_F(EngineWaitsTest, AnInterruptEndsARead) {
  platform_.gate.shut();
  const StorageId a = script_.upload({1, 2}), b = script_.upload({3, 4});
  script_.sleep();
  Doubles values(4);
  char* out = reinterpret_cast<char*>(values.data());
  const Driver::ReadInto ranges[] = {{a, 0, 16, out}, {b, 0, 16, out + 16}};
  EXPECT_EQ(engine_.read(ranges, kInterrupted), cancelled("Ctrl+C"));
  EXPECT_EQ(script_.ask("aten::nonzero(f64[2]) -> _", a, kInterrupted).status(),
            cancelled("Ctrl+C"));
  EXPECT_TRUE(is_early());
  platform_.gate.open();
  EXPECT_EQ(engine_.read(ranges, {}), ok_status()) << "late replies of the others are dropped";
  EXPECT_THAT(values, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(engine_.synchronize({}), ok_status());
}

// ---- the Worker ends

TEST_F(EngineWaitsTest, EverybodyWhoWaitsIsToldThatTheWorkerEnded) {
  platform_.reason = aborted("the job was reset by an administrator");
  platform_.gate.shut();
  const StorageId a = script_.upload({1, 2});
  script_.sleep();
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] { EXPECT_EQ(script_.read(a).status(), platform_.reason); });
    threads.emplace_back([&] { EXPECT_EQ(engine_.synchronize({}), platform_.reason); });
  }
  ASSERT_TRUE(platform_.gate.is_reached());
  std::this_thread::sleep_for(milliseconds(100));
  platform_.stop("the Worker is stopped");
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(is_early());
  EXPECT_EQ(platform_.losses, 1) << "the platform is asked once";
  expect_ended(platform_.reason);
}

TEST_F(EngineWaitsTest, TheWorkersOwnWordsCountWhereThePlatformHasNone) {
  script_.value(script_.upload({1, 2}));
  platform_.stop("the lease was moved");
  EXPECT_EQ(engine_.synchronize({}), unavailable("the lease was moved"));
  expect_ended(unavailable("the lease was moved"));
}

TEST_F(EngineWaitsTest, TheEndOfAnIdleWorkerIsNoticedToo) {
  script_.value(script_.upload({1, 2}));
  platform_.stop("the lease was moved");
  EXPECT_TRUE(eventually([&] { return !engine_.ended().ok(); }));
}

TEST_F(EngineWaitsTest, TheEndOfTheLeaseEndsAWait) {
  platform_.gate.shut();
  const StorageId a = script_.upload({1, 2});
  script_.sleep();
  std::thread reader([&] { EXPECT_EQ(script_.read(a).status(), aborted("moreh-smi -r")); });
  ASSERT_TRUE(platform_.gate.is_reached());
  platform_.end_lease(aborted("moreh-smi -r"));
  reader.join();
  EXPECT_EQ(platform_.losses, 0) << "the reason is known";
  platform_.end_lease(aborted("a later reason does not count"));
  expect_ended(aborted("moreh-smi -r"));
}

TEST(EngineScripted, AWorkerThatVanishesIsTheEndAtOnce) {
  Platform platform;
  ScriptedWorker worker;
  worker.say(dispatch::Welcome{.credit_bytes = 1 << 20});
  platform.dial = [&] { return worker.front(); };
  Script script(&platform);
  const auto began = steady_clock::now();
  std::thread reader([&] { EXPECT_EQ(script.engine->synchronize({}).code(), Code::kUnavailable); });
  worker.expect<dispatch::Hello>();
  while (!std::holds_alternative<dispatch::Marker>(*worker.hear())) {
  }
  worker.leave();
  reader.join();
  EXPECT_LT(steady_clock::now() - began, milliseconds(3000));
}

TEST(EngineScripted, AWorkerThatFallsSilentIsTheEndAfterFiveSeconds) {
  Platform platform;
  ScriptedWorker worker;
  worker.say(dispatch::Welcome{.credit_bytes = 1 << 20});
  platform.dial = [&] { return worker.front(); };
  Script script(&platform);
  const auto began = steady_clock::now();
  const Status status = script.engine->synchronize({});
  EXPECT_THAT(status.message(), HasSubstr("no sign of life for 5 s"));
  EXPECT_GT(steady_clock::now() - began, milliseconds(4500));
  EXPECT_LT(steady_clock::now() - began, milliseconds(9000));
}

// ---- the way out

TEST_F(EngineWaitsTest, ShutdownSendsAndAwaitsWhatIsLeft) {
  const StorageId a = script_.upload({1, 2});
  for (int i = 0; i < 50; ++i) script_.add(a, a);
  EXPECT_EQ(engine_.shutdown(false, {}), ok_status());
  EXPECT_EQ(platform_.device->calls(), 50u);
  EXPECT_EQ(platform_.given_back, 1);
  EXPECT_TRUE(eventually([&] { return platform_.device->allocated_bytes() == 0; }))
      << "the Worker was told and has dropped everything";
  EXPECT_EQ(platform_.losses, 0);
  expect_ended(unavailable("[driver.engine] the driver was shut down"));
}

TEST_F(EngineWaitsTest, ShutdownReturnsThePendingError) {
  const StorageId a = script_.upload({1, 2});
  script_.fail(a, Code::kOutOfRange, 42);
  EXPECT_EQ(engine_.shutdown(false, {}).code(), Code::kOutOfRange);
  EXPECT_EQ(engine_.last_error().line, 42u);
  EXPECT_EQ(platform_.given_back, 1);
}

TEST_F(EngineWaitsTest, ShutdownOfWhatWasNeverUsedStartsNothing) {
  EXPECT_EQ(engine_.shutdown(false, {}), ok_status());
  EXPECT_EQ(platform_.connects, 0);
}

TEST_F(EngineWaitsTest, AnInterruptedShutdownGivesTheLeaseBackAllTheSame) {
  platform_.gate.shut();
  script_.sleep();
  EXPECT_EQ(engine_.shutdown(false, kInterrupted), cancelled("Ctrl+C"));
  EXPECT_EQ(platform_.given_back, 1);
  EXPECT_TRUE(is_early());
}

TEST_F(EngineWaitsTest, ShutdownWhileALeaseIsWaitedForEndsTheWait) {
  platform_.withhold();
  script_.upload({1, 2});
  EXPECT_EQ(engine_.shutdown(false, kInterrupted), cancelled("Ctrl+C"));
  script_.engine.reset();
  EXPECT_TRUE(is_early());
}

TEST_F(EngineWaitsTest, AProgramThatFailedDoesNotQueueForALease) {
  platform_.withhold();
  script_.upload({1, 2});
  EXPECT_EQ(engine_.shutdown(true, {}), ok_status());
  script_.engine.reset();
  EXPECT_TRUE(is_early());
}

TEST_F(EngineWaitsTest, AProgramThatFailedFinishesWhatTheWorkerHas) {
  const StorageId a = script_.upload({1, 2});
  script_.value(a);
  for (int i = 0; i < 50; ++i) script_.add(a, a);
  EXPECT_EQ(engine_.shutdown(true, {}), ok_status());
  EXPECT_EQ(platform_.device->calls(), 50u);
}

TEST_F(EngineWaitsTest, ShutdownTellsThreadsThatStillWait) {
  platform_.gate.shut();
  const StorageId a = script_.upload({1, 2});
  script_.sleep();
  std::thread reader([&] {
    EXPECT_EQ(script_.read(a).status(), unavailable("[driver.engine] the driver was shut down"));
  });
  ASSERT_TRUE(platform_.gate.is_reached());
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(engine_.shutdown(false, kInterrupted), cancelled("Ctrl+C"));
  reader.join();
  EXPECT_TRUE(is_early());
  EXPECT_EQ(platform_.losses, 0);
}

TEST_F(EngineWaitsTest, ShutdownAfterTheEndSaysWhy) {
  platform_.end_lease(aborted("revoked"));
  EXPECT_EQ(engine_.shutdown(false, {}), ok_status()) << "whoever waited was told";
  EXPECT_EQ(engine_.ended(), aborted("revoked"));
  EXPECT_EQ(platform_.given_back, 1);
}

// ---- fork

size_t open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  size_t count = 0;
  while (::readdir(folder)) ++count;
  ::closedir(folder);
  return count;
}

TEST(EngineFork, TheChildGoesWithoutAWordAndTheParentGoesOn) {
  const std::string address =
      "unix:" + testing::TempDir() + "moai_engine_" + std::to_string(::getpid());
  Platform platform(1 << 20, address);
  Script script(&platform);
  const StorageId a = script.upload({1, 2});
  script.value(a);
  const pid_t child = ::fork();
  if (child == 0) {
    const size_t before = open_descriptors();
    script.engine->abandon();
    ::_exit(open_descriptors() + 1 == before ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "the child has closed its copy of the socket";
  script.add_to(a, a);
  EXPECT_THAT(script.value(a), ElementsAre(2, 4));
  EXPECT_EQ(script.engine->shutdown(false, {}), ok_status());
}

}  // namespace
}  // namespace moai::driver
