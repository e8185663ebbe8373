// How commands leave: the lease, the greeting, credit, room.
#include <gmock/gmock.h>

#include "moai/driver/testing/played_lease.h"
#include "moai/driver/testing/script.h"

namespace moai::driver {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

const Interrupt kInterrupted = [] { return cancelled("Ctrl+C"); };

TEST(EngineCourier, ALeaseThatIsRefusedIsTheEndInItsWords) {
  Platform platform;
  platform.refusal = permission_denied("the token has no accelerator");
  Script script(&platform);
  EXPECT_EQ(script.read(script.upload({1, 2})).status(), platform.refusal);
  EXPECT_EQ(script.engine->ended(), platform.refusal);
  EXPECT_EQ(platform.connects, 1);
}

TEST(EngineCourier, AWorkerThatRefusesTheGreetingIsTheEndInItsWords) {
  Platform platform;
  platform.secret[0] = 'x';
  Script script(&platform);
  EXPECT_EQ(script.engine->synchronize({}).code(), Code::kUnauthenticated);
}

TEST(EngineCourier, CommandsLeaveWithoutAnybodyWaiting) {
  Platform platform;
  Script script(&platform);
  const StorageId a = script.upload({1, 2});
  for (int i = 0; i < 1000; ++i) script.add_to(a, a);
  EXPECT_TRUE(eventually([&] { return platform.device->calls() == 1000; }));
}

TEST(EngineCourier, ALeaseThatComesLateFindsEverythingInOrder) {
  Platform platform;
  platform.withhold();
  Script script(&platform);
  const StorageId one = script.upload({1, 1});
  StorageId x = script.upload({0, 5});
  for (int i = 0; i < 1000; ++i) x = script.add(x, one);
  EXPECT_FALSE(script.engine->connected());
  platform.granted = true;
  EXPECT_THAT(script.value(x), ElementsAre(1000, 1005));
}

TEST(EngineCourier, WhoWantsWindowsCompiledSaysSoWithItsFirstWork) {
  Platform platform;
  Script plain(&platform);
  plain.value(plain.upload({1, 2}));
  EXPECT_THAT(plain.engine->windows(), testing::IsEmpty());
  plain.engine->compile_windows();
  plain.value(plain.upload({1, 2}));
  ASSERT_EQ(plain.engine->windows().size(), 1u);
  EXPECT_EQ(plain.engine->windows()[0].text, "this Worker has no compile service");
  ASSERT_EQ(plain.engine->shutdown(false, {}), ok_status());

  DriverOptions options;
  options.compiles = true;
  Script script(&platform, options);
  EXPECT_FALSE(script.engine->connected()) << "that alone needs no lease";
  ASSERT_TRUE(eventually([&] {
    script.value(script.upload({1, 2}));
    return script.engine->windows().size() == 1;
  }));
}

// ---- credit

TEST(EngineCourier, MuchMoreThanTheCreditArrives) {
  Platform platform(4096);
  Script script(&platform);
  const Doubles values(1024, 3.0);
  std::vector<StorageId> uploaded;
  for (int i = 0; i < 20; ++i) uploaded.push_back(script.upload(values));
  for (const StorageId id : uploaded) EXPECT_THAT(script.value(id), Each(3.0));
}

TEST(EngineCourier, AnInterruptEndsTheWaitForCredit) {
  Platform platform(4096);
  Script script(&platform);
  platform.gate.shut();
  script.sleep();
  ASSERT_TRUE(platform.gate.is_reached());
  const auto began = steady_clock::now();
  const Doubles values(1024, 3.0);
  StorageId last = 0;
  for (int i = 0; i < 20; ++i) last = script.upload(values);
  EXPECT_EQ(script.read(last, kInterrupted).status(), cancelled("Ctrl+C"));
  EXPECT_EQ(script.engine->synchronize(kInterrupted), cancelled("Ctrl+C"));
  EXPECT_LT(steady_clock::now() - began, milliseconds(3000));
  platform.gate.open();
  EXPECT_THAT(script.value(last), Each(3.0)) << "what waited was sent later";
}

TEST(EngineCourier, ShutdownDoesNotWaitForThoseWhoWaitForCredit) {
  Platform platform(4096);
  Script script(&platform);
  platform.gate.shut();
  script.sleep();
  ASSERT_TRUE(platform.gate.is_reached());
  StorageId last = 0;
  for (int i = 0; i < 20; ++i) last = script.upload(Doubles(1024, 3.0));
  std::thread reader([&] { EXPECT_FALSE(script.read(last).ok()); });
  std::this_thread::sleep_for(milliseconds(50));
  const auto began = steady_clock::now();
  EXPECT_EQ(script.engine->shutdown(false, kInterrupted), cancelled("Ctrl+C"));
  reader.join();
  EXPECT_LT(steady_clock::now() - began, milliseconds(3000));
}

// ---- room

// Records until recording should pause.
void crowd(Script* script) {
  const StorageId a = script->upload({1, 1});
  for (int i = 0; i < (1 << 18) && !script->engine->crowded(); ++i) script->fill(a, i);
  EXPECT_TRUE(script->engine->crowded());
}

TEST(EngineCourier, RecordingPausesWhenMuchWaitsToBeSent) {
  Platform platform;
  platform.withhold();
  Script script(&platform);
  EXPECT_FALSE(script.engine->crowded());
  EXPECT_EQ(script.engine->make_room({}), ok_status()) << "there is room";
  crowd(&script);
  EXPECT_EQ(script.engine->make_room(kInterrupted), cancelled("Ctrl+C"));
  std::thread recorder([&] { EXPECT_EQ(script.engine->make_room({}), ok_status()); });
  platform.granted = true;
  recorder.join();
  EXPECT_FALSE(script.engine->crowded());
  EXPECT_EQ(script.engine->synchronize({}), ok_status());
}

TEST(EngineCourier, TheEndWakesWhoWaitsForRoom) {
  Platform platform;
  platform.withhold();
  Script script(&platform);
  crowd(&script);
  std::thread recorder([&] { EXPECT_EQ(script.engine->make_room({}), aborted("revoked")); });
  std::this_thread::sleep_for(milliseconds(20));
  platform.end_lease(aborted("revoked"));
  recorder.join();
  EXPECT_FALSE(script.engine->crowded());
}

TEST(EngineCourier, ManyBytesCrowdToo) {
  Platform platform;
  platform.withhold();
  Script script(&platform);
  const std::string bytes(size_t{64} << 20, 'x');
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(script.engine->crowded());
    EXPECT_EQ(script.engine->upload(script.engine->next_storage(1), bytes.size(), 0, bytes, true),
              ok_status());
  }
  EXPECT_TRUE(script.engine->crowded());
}

}  // namespace
}  // namespace moai::driver
