#include "moai/session/holder.h"

#include <gtest/gtest.h>

namespace moai::session {
namespace {

using Texts = std::vector<std::string>;

// Everything an Actions says, one word or line each, in order.
Texts texts(const Holder::Actions& actions) {
  Texts all;
  for (const WireMessage& message : actions.to_driver) {
    if (const auto* line = std::get_if<Line>(&message)) {
      all.push_back((line->level == 1 ? "[info] " : "[warning] ") + line->text);
    } else if (const auto* waiting = std::get_if<Waiting>(&message)) {
      all.push_back("waiting: " + waiting->text);
    } else if (const auto* granted = std::get_if<Granted>(&message)) {
      all.push_back("granted " + std::to_string(granted->epoch));
    } else if (const auto* ended = std::get_if<Ended>(&message)) {
      all.push_back("ended " + std::string(code_name(ended->code)) + ": " + ended->text);
    }
  }
  if (actions.locate) all.push_back("locate");
  if (actions.connect) all.push_back("connect");
  for (const v1::SessionUp& up : actions.to_master) {
    if (up.has_open()) all.push_back("open " + up.open().resume());
    if (up.has_heartbeat()) all.push_back("heartbeat");
    if (up.has_acquire()) all.push_back("acquire " + up.acquire().operation_id());
    if (up.has_give_back()) all.push_back("give back");
    if (up.has_close()) all.push_back("close");
    if (up.has_link_lost()) all.push_back("link lost " + up.link_lost().address());
  }
  if (actions.half_close) all.push_back("half close");
  if (actions.finished) all.push_back("finished");
  return all;
}

class HolderTest : public testing::Test {
 protected:
  HolderTest() : holder_(options()) {}

  HolderOptions options() {
    HolderOptions o;
    o.hostname = "front";
    o.user = "me";
    o.operation_id = [this] { return "op" + std::to_string(++operations_); };
    o.ancestors = [](int64_t pid) { return std::vector<int64_t>{pid - 1, pid - 2}; };
    return o;
  }
  Texts did() { return texts(holder_.take()); }
  void say(const WireMessage& message) { holder_.from_driver(message, now_ms_); }
  void start(Start start = {}) {
    start.client_version = "0.1.0";
    say(start);
  }
  void locate(bool local = false) {
    holder_.located(Platform{"master:1", "token", "PEM", local}, now_ms_);
  }
  void hear(const v1::SessionDown& message) { holder_.from_master(message, now_ms_); }
  void opened(uint64_t session = 5, const std::string& latest = "") {
    v1::SessionDown down;
    v1::Opened& opened = *down.mutable_opened();
    opened.set_session_id(session);
    opened.set_resume("credential");
    opened.set_heartbeat_ms(2000);
    opened.set_device_name("MoAI Accelerator");
    opened.set_latest_version(latest);
    opened.set_memory_bytes(1000);
    opened.set_devices(3);
    hear(down);
  }
  void waiting(const std::string& cause, const std::string& text) {
    v1::SessionDown down;
    down.mutable_waiting()->set_cause(cause);
    down.mutable_waiting()->set_text(text);
    hear(down);
  }
  void granted(uint64_t epoch = 9) {
    v1::SessionDown down;
    v1::Granted& granted = *down.mutable_granted();
    granted.set_job_id(977753);
    granted.set_epoch(epoch);
    for (const char* address : {"tls:10.0.0.2:24150", "tls:10.0.0.2:24151", "tls:10.0.0.3:24150"}) {
      v1::WorkerAddress& worker = *granted.add_workers();
      worker.set_address(address);
      worker.set_secret("s");
      worker.set_host(std::string(address).substr(4, 8));
      worker.set_node("back" + worker.host().substr(7));
      worker.set_device(static_cast<uint32_t>(granted.workers_size()));
      worker.set_host_id("memory of " + worker.node());
    }
    hear(down);
  }
  void attach() {
    start();
    locate();
    opened();
    holder_.take();
  }
  void attach_with_lease() {
    attach();
    say(Acquire{});
    granted();
    holder_.take();
  }
  void lose(Code code = Code::kUnavailable, const std::string& text = "connection reset") {
    holder_.stream_ended(Status(code, text), now_ms_);
  }
  void pass(int64_t ms) {
    now_ms_ += ms;
    holder_.advance(now_ms_);
  }
  // Lets time pass until the next attempt.
  void retry() {
    ASSERT_TRUE(holder_.next_deadline_ms());
    pass(*holder_.next_deadline_ms() - now_ms_);
  }

  int operations_ = 0;
  int64_t now_ms_ = 1'000'000;
  Holder holder_;
};

TEST_F(HolderTest, AStartFindsThePlatformAndOpensASession) {
  start();
  EXPECT_EQ(did(), Texts{"locate"});
  locate();
  const auto actions = holder_.take();
  EXPECT_EQ(texts(actions), (Texts{"connect", "open "}));
  EXPECT_EQ(actions.to_master[0].open().hostname(), "front");
  EXPECT_FALSE(actions.to_master[0].open().own_accelerator());
  opened();
  const auto then = holder_.take();
  EXPECT_EQ(texts(then), Texts{});
  EXPECT_EQ(then.device_memory, 3000u) << "of all devices of the flavor";
  EXPECT_EQ(holder_.link(), Holder::Link::kAttached);
}

TEST_F(HolderTest, ALeaseComesWithTheLinesUsersKnow) {
  attach();
  say(Acquire{});
  EXPECT_EQ(did(), (Texts{"[info] Requesting resources for MoAI Accelerator from the server...",
                          "acquire op1"}));
  waiting("starting", "");
  EXPECT_EQ(did(), Texts{"[info] Initializing the worker daemon for MoAI Accelerator"});
  granted();
  EXPECT_EQ(did(), (Texts{"[info] [1/2] Connecting to resources on the server (10.0.0.2:24150)...",
                          "[info] [2/2] Connecting to resources on the server (10.0.0.3:24150)...",
                          "[info] Establishing links to the resources...", "granted 9",
                          "[info] MoAI Accelerator is ready to use.", "[info] Moreh Version: 0.1.0",
                          "[info] Moreh Job ID: 977753"}));
}

TEST_F(HolderTest, TheGrantCarriesWhatTheDriverNeeds) {
  attach();
  say(Acquire{});
  granted();
  const auto actions = holder_.take();
  for (const WireMessage& message : actions.to_driver) {
    const auto* grant = std::get_if<Granted>(&message);
    if (!grant) continue;
    EXPECT_EQ(grant->ca, "PEM");
    EXPECT_EQ(grant->resume, "credential");
    EXPECT_EQ(grant->device_name, "MoAI Accelerator");
    ASSERT_EQ(grant->workers.size(), 3u);
    EXPECT_EQ(grant->workers[2].address, "tls:10.0.0.3:24150");
    EXPECT_EQ(grant->workers[2].secret, "s");
  }
}

TEST_F(HolderTest, AnAcquireBeforeTheSessionIsOpenWaitsForIt) {
  start();
  say(Acquire{});
  locate();
  EXPECT_EQ(did(), (Texts{"locate", "connect", "open "}));
  opened(5, "0.2.0");
  EXPECT_EQ(did(), (Texts{"[info] Requesting resources for MoAI Accelerator from the server...",
                          "[warning] A newer version of Moreh AI Framework is available. You can "
                          "update it by running \"update-moreh\".",
                          "acquire op1"}));
}

TEST_F(HolderTest, WaitingIsPassedOnWhileALeaseIsAskedFor) {
  attach();
  waiting("in_use", "too early");
  EXPECT_EQ(did(), Texts{});
  say(Acquire{});
  holder_.take();
  waiting("in_use", "In use by another process.");
  EXPECT_EQ(did(), Texts{"waiting: In use by another process."});
}

TEST_F(HolderTest, TheLocalPlatformGivesAnAcceleratorOfItsOwn) {
  start();
  locate(true);
  EXPECT_TRUE(holder_.take().to_master[0].open().own_accelerator());
}

TEST_F(HolderTest, TheMasterHearsWhoStartedTheScriptAlsoWhenTheSessionGoesOn) {
  Start with_pid;
  with_pid.pid = 70;
  start(with_pid);
  locate();
  const auto ancestors_said = [this] {
    const auto open = holder_.take().to_master.at(0).open();
    return std::vector<int64_t>(open.ancestors().begin(), open.ancestors().end());
  };
  EXPECT_EQ(ancestors_said(), (std::vector<int64_t>{69, 68}));
  opened();
  lose();
  retry();
  EXPECT_EQ(ancestors_said(), (std::vector<int64_t>{69, 68}));
}

TEST_F(HolderTest, AJobIsNotToldThatTheMasterWentAway) {
  attach_with_lease();
  lose();
  EXPECT_EQ(did(), Texts{});
  retry();
  EXPECT_EQ(did(), (Texts{"connect", "open credential"}));
  opened();
  EXPECT_EQ(did(), Texts{});
  EXPECT_EQ(holder_.lease(), Holder::Lease::kGranted);
  granted();
  EXPECT_EQ(did(), Texts{}) << "the same grant again";
}

TEST_F(HolderTest, OneWarningComesWhenTheMasterStaysAway) {
  attach_with_lease();
  lose();
  Texts warnings;
  for (int i = 0; i < 40; ++i) {
    retry();
    for (const std::string& text : did()) {
      if (text.starts_with("[warning]")) warnings.push_back(text);
    }
    lose();
  }
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("30 s"), std::string::npos) << warnings[0];
  EXPECT_EQ(holder_.lease(), Holder::Lease::kGranted);
}

TEST_F(HolderTest, AttemptsBackOff) {
  attach_with_lease();
  std::vector<int64_t> pauses;
  for (int i = 0; i < 13; ++i) {
    lose();
    pauses.push_back(*holder_.next_deadline_ms() - now_ms_);
    retry();
  }
  EXPECT_EQ(pauses, (std::vector<int64_t>{100, 200, 400, 800, 800, 800, 800, 800, 800, 1600, 3200,
                                          5000, 5000}));
}

TEST_F(HolderTest, ARequestIsRepeatedUnderTheSameOperation) {
  attach();
  say(Acquire{});
  holder_.take();
  lose();
  retry();
  opened();
  EXPECT_EQ(did(), (Texts{"connect", "open credential", "acquire op1"})) << "not said again";
}

TEST_F(HolderTest, WhatWasSaidWhileAwayIsToldWhenTheSessionResumes) {
  attach_with_lease();
  lose();
  say(LinkLost{"tls:10.0.0.2:24150", "reset"});
  say(GiveBack{});
  retry();
  EXPECT_EQ(did(), (Texts{"connect", "open credential"}));
  opened();
  EXPECT_EQ(did(), (Texts{"link lost tls:10.0.0.2:24150", "give back"}));
}

TEST_F(HolderTest, AMasterThatForgotTheSessionEndsTheLease) {
  attach_with_lease();
  EXPECT_EQ(holder_.start().resume, "credential") << "whoever locates knows that it comes back";
  lose();
  retry();
  holder_.take();
  lose(Code::kNotFound, "The session to be resumed is over.");
  EXPECT_EQ(holder_.start().resume, "");
  EXPECT_EQ(did(), Texts{"ended ABORTED: The server has ended this job while it could not be "
                         "reached."});
  retry();
  EXPECT_EQ(did(), (Texts{"connect", "open "}));
  opened(6);
  say(Acquire{});
  EXPECT_EQ(did().back(), "acquire op2");
}

TEST_F(HolderTest, ASuccessorContinuesTheSessionWithoutAWord) {
  start({.resume = "credential"});
  locate();
  EXPECT_EQ(did(), (Texts{"locate", "connect", "open credential"}));
  opened();
  granted();
  EXPECT_EQ(did(), Texts{"granted 9"});
  say(Acquire{});
  EXPECT_EQ(did(), Texts{"granted 9"}) << "known already";
}

TEST_F(HolderTest, ASuccessorOfAHolderWithoutALeaseCanAskForOne) {
  start({.resume = "credential"});
  locate();
  opened();
  holder_.take();
  say(Acquire{});
  EXPECT_EQ(did().back(), "acquire op1");
}

TEST_F(HolderTest, ASuccessorThatComesTooLateSaysSo) {
  start({.resume = "credential"});
  locate();
  holder_.take();
  lose(Code::kNotFound, "The session to be resumed is over.");
  EXPECT_TRUE(did()[0].starts_with("ended ABORTED"));
  retry();
  EXPECT_EQ(did(), (Texts{"connect", "open "}));
}

TEST_F(HolderTest, AStoppedPlatformEndsTheJobAndTheNextOneStartsAnother) {
  start();
  locate(true);
  opened();
  say(Acquire{});
  granted();
  holder_.take();
  lose();
  retry();
  EXPECT_EQ(did(), Texts{"locate"});
  holder_.located(aborted("The local platform was stopped."), now_ms_);
  EXPECT_EQ(did(), Texts{"ended ABORTED: The local platform was stopped."});
  EXPECT_FALSE(holder_.next_deadline_ms()) << "nothing is tried before somebody asks";
  EXPECT_EQ(holder_.start().resume, "");
  say(Acquire{});
  EXPECT_EQ(did(), Texts{"locate"});
  locate(true);
  EXPECT_EQ(did(), (Texts{"connect", "open "}));
  opened(6);
  EXPECT_EQ(did().back(), "acquire op2");
}

TEST_F(HolderTest, AnIdleScriptIsNotToldThatThePlatformWasStopped) {
  start();
  locate(true);
  opened();
  lose();
  retry();
  holder_.take();
  holder_.located(aborted("The local platform was stopped."), now_ms_);
  EXPECT_EQ(did(), Texts{});
  holder_.script_gone(now_ms_);
  EXPECT_EQ(holder_.link(), Holder::Link::kDone);
}

TEST_F(HolderTest, ALeaseThatEndedCanBeAskedForAgain) {
  attach_with_lease();
  v1::SessionDown down;
  down.mutable_ended()->set_code(static_cast<int>(Code::kAborted));
  down.mutable_ended()->set_text("reset by moreh-smi");
  hear(down);
  EXPECT_EQ(did(), Texts{"ended ABORTED: reset by moreh-smi"});
  say(Acquire{});
  EXPECT_EQ(holder_.lease(), Holder::Lease::kRequested);
}

TEST_F(HolderTest, AGrantAfterGivingBackIsNotPassedOn) {
  attach();
  say(Acquire{});
  say(GiveBack{});
  holder_.take();
  granted();
  EXPECT_EQ(did(), Texts{});
}

TEST_F(HolderTest, ARefusalIsFinal) {
  for (Code code :
       {Code::kUnauthenticated, Code::kPermissionDenied, Code::kInvalidArgument,
        Code::kFailedPrecondition, Code::kNotFound, Code::kAborted, Code::kUnimplemented}) {
    holder_ = Holder(options());
    start();
    locate();
    holder_.take();
    lose(code, "refused");
    EXPECT_EQ(did(), (Texts{"ended " + std::string(code_name(code)) + ": refused", "finished"}));
  }
}

TEST_F(HolderTest, AMasterThatNeverAnswersFailsTheFirstRequest) {
  start();
  say(Acquire{});
  locate();
  Texts last;
  for (int i = 0; i < 100 && holder_.link() != Holder::Link::kDone; ++i) {
    retry();
    lose();
    last = did();
  }
  ASSERT_EQ(last.size(), 2u);
  EXPECT_NE(last[0].find("The server cannot be reached: master:1"), std::string::npos) << last[0];
  EXPECT_EQ(last[1], "finished");
}

TEST_F(HolderTest, APlatformThatCannotBeFoundIsTold) {
  start();
  holder_.take();
  holder_.located(unavailable("see moai-master.log"), now_ms_);
  EXPECT_EQ(did(), (Texts{"ended UNAVAILABLE: see moai-master.log", "finished"}));
}

TEST_F(HolderTest, ALocalPlatformThatWentAwayIsLookedForAgain) {
  start();
  locate(true);
  opened();
  holder_.take();
  lose();
  retry();
  EXPECT_EQ(did(), Texts{"locate"});
  locate(true);
  EXPECT_EQ(did(), (Texts{"connect", "open credential"}));
}

TEST_F(HolderTest, TheScriptsEndGivesTheDeviceBackAtOnce) {
  attach_with_lease();
  holder_.script_gone(now_ms_);
  EXPECT_EQ(did(), (Texts{"close", "half close"}));
  lose(Code::kOutOfRange);
  EXPECT_EQ(did(), Texts{"finished"});
}

TEST_F(HolderTest, AMasterThatDoesNotSayGoodbyeIsNotWaitedForLong) {
  attach_with_lease();
  holder_.script_gone(now_ms_);
  holder_.take();
  pass(700);
  EXPECT_EQ(did(), Texts{"finished"});
}

TEST_F(HolderTest, TheScriptsEndWithoutASessionEndsTheHolder) {
  start();
  holder_.take();
  holder_.script_gone(now_ms_);
  EXPECT_EQ(did(), Texts{"finished"});
}

TEST_F(HolderTest, HeartbeatsComeAtTheIntervalTheMasterNames) {
  attach();
  pass(1999);
  EXPECT_EQ(did(), Texts{});
  pass(1);
  EXPECT_EQ(did(), Texts{"heartbeat"});
  EXPECT_EQ(*holder_.next_deadline_ms(), now_ms_ + 2000);
}

TEST_F(HolderTest, ADriverOfAnotherVersionIsRefused) {
  Start other;
  other.wire_version = 99;
  start(other);
  EXPECT_TRUE(did()[0].starts_with("ended FAILED_PRECONDITION"));
  holder_ = Holder(options());
  say(Acquire{});
  EXPECT_TRUE(did()[0].starts_with("ended FAILED_PRECONDITION"));
}

}  // namespace
}  // namespace moai::session
