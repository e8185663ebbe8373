#include "moai/control/services/sessions.h"

#include <gtest/gtest.h>

#include "moai/control/testing/bench.h"

namespace moai::control {
namespace {

using testing::Back;
using testing::Bench;
using testing::Front;

v1::Open process(int64_t pid, const std::string& command = "python train.py") {
  v1::Open open;
  open.set_pid(pid);
  open.set_command(command);
  return open;
}

TEST(Sessions, OpenIsAnsweredWithTheSite) {
  Bench bench;
  Front front = bench.open(bench.token);
  const v1::Opened& opened = front.last().opened();
  EXPECT_GT(opened.session_id(), 0u);
  EXPECT_EQ(opened.server_version(), "0.1.0");
  EXPECT_EQ(opened.device_name(), "MoAI Accelerator");
  EXPECT_EQ(opened.memory_bytes(), uint64_t{65520} << 20);
  EXPECT_EQ(opened.devices(), 1u);
  EXPECT_EQ(opened.heartbeat_ms(), 1000);
}

TEST(Sessions, MemoryIsThatOfTheSmallestConnectedDevice) {
  Bench bench;
  Back back = bench.join("a", 1);
  EXPECT_EQ(bench.open(bench.token).last().opened().memory_bytes(), uint64_t{8} << 30);
}

TEST(Sessions, FirstMessageMustBeOpen) {
  Bench bench;
  Front front = bench.attach(bench.token);
  bench.acquire(front);
  EXPECT_EQ(front.sender->end.code(), Code::kFailedPrecondition);
}

TEST(Sessions, BadOpensAreRefusedWithTheirReason) {
  Bench bench;
  EXPECT_EQ(bench.open("").sender->end, unauthenticated("SDA token is not given."));
  EXPECT_EQ(bench.open("moai_x").sender->end, unauthenticated("Invalid SDA token."));
  v1::Open open;
  open.set_client_version("0.2.0");
  EXPECT_EQ(bench.open(bench.token, open).sender->end.code(), Code::kFailedPrecondition);
  open.set_client_version("0.1.99");
  EXPECT_TRUE(bench.open(bench.token, open).sender->end.ok());
  open.set_device("7");
  EXPECT_EQ(bench.open(bench.token, open).sender->end.code(), Code::kNotFound);
  open.set_device("-1");
  EXPECT_EQ(bench.open(bench.token, open).sender->end.code(), Code::kInvalidArgument);
  open.set_device("0");
  open.set_flavor("Gigantic");
  EXPECT_EQ(bench.open(bench.token, open).sender->end.code(), Code::kInvalidArgument);
  open.set_flavor("small.64gb");
  EXPECT_TRUE(bench.open(bench.token, open).sender->end.ok());
}

TEST(Sessions, AcquireGrantsOverAReadyWorker) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  EXPECT_FALSE(front.granted());
  bench.work(back);
  ASSERT_TRUE(front.granted());
  const v1::Granted& granted = front.last().granted();
  EXPECT_EQ(granted.epoch(), 1u);
  EXPECT_EQ(granted.workers(0).address(), "tcp:10.0.0.1:4000");
  EXPECT_EQ(granted.workers(0).host(), "10.0.0.1");
  EXPECT_EQ(granted.workers(0).secret(), back.sender->messages.at(1).start_worker().secret());
}

TEST(Sessions, GrantAndReleaseAreTwoCommits) {
  MemoryStore store;
  Bench bench({}, &store);
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  const uint64_t before = bench.site.ledger.urgent_changes();
  bench.acquire(front);
  const uint64_t granted = bench.site.ledger.urgent_changes();
  EXPECT_GT(granted, before);
  bench.work(back);  // ready: needs no commit of its own
  EXPECT_EQ(bench.site.ledger.urgent_changes(), granted);
  bench.give_back(front);  // nor does the wish to end
  EXPECT_EQ(bench.site.ledger.urgent_changes(), granted);
  bench.work(back);
  EXPECT_EQ(bench.site.ledger.urgent_changes(), granted + 1);
  EXPECT_TRUE(bench.site.ledger.leases().empty());
}

TEST(Sessions, AcquireTwiceIsOneLease) {
  Bench bench;
  Back back = bench.join("a", 2);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.acquire(front);
  bench.work(back);
  EXPECT_EQ(bench.site.ledger.leases().size(), 1u);
  bench.acquire(front);
  EXPECT_TRUE(front.granted());
  EXPECT_EQ(bench.site.ledger.leases().size(), 1u);
}

TEST(Sessions, SecondProcessOnAnAcceleratorWaitsForTheFirst) {
  Bench bench;
  Back back = bench.join("a", 2);
  Front first = bench.open(bench.token, process(11, "python first.py"));
  Front second = bench.open(bench.token, process(12));
  bench.acquire(first);
  bench.work(back);
  bench.acquire(second);
  ASSERT_TRUE(second.waiting());
  EXPECT_EQ(second.cause(), "in_use");
  EXPECT_NE(second.last().waiting().text().find("(pid: 11) python first.py"), std::string::npos);
  bench.close(first);
  bench.work(back);
  EXPECT_TRUE(second.granted());
}

TEST(Sessions, AProcessIsRefusedAtOnceWhereItsAncestorHasTheAccelerator) {
  Bench bench;
  Back back = bench.join("a", 2);
  v1::Open parent = process(11, "python parent.py"), child = process(12);
  child.add_ancestors(11);
  child.add_ancestors(10);
  parent.set_hostname("front");
  child.set_hostname("front");
  Front first = bench.open(bench.token, parent);
  bench.acquire(first);
  bench.work(back);
  Front second = bench.open(bench.token, child);
  bench.acquire(second);
  ASSERT_TRUE(second.last().has_ended());
  EXPECT_EQ(second.cause(), "held_by_ancestor");
  EXPECT_EQ(second.last().ended().code(), static_cast<int32_t>(Code::kFailedPrecondition));
  EXPECT_NE(second.last().ended().text().find("(pid: 11) python parent.py"), std::string::npos);
  child.set_hostname("another");  // has a process 11 of its own
  Front elsewhere = bench.open(bench.token, child);
  bench.acquire(elsewhere);
  EXPECT_TRUE(elsewhere.waiting());
}

TEST(Sessions, AProcessWaitsForAnAncestorThatIsJustLeaving) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front first = bench.open(bench.token, process(11));
  bench.acquire(first);
  bench.work(back);
  bench.give_back(first);
  v1::Open child = process(12);
  child.add_ancestors(11);
  Front second = bench.open(bench.token, child);
  bench.acquire(second);
  EXPECT_TRUE(second.waiting());
  bench.work(back);
  EXPECT_TRUE(second.granted());
}

TEST(Sessions, WaitIsSaidOnceUntilItsReasonChanges) {
  Bench bench;
  Front front = bench.open(bench.token);
  bench.acquire(front);
  EXPECT_EQ(front.cause(), "no_agent");
  const size_t said = front.sender->messages.size();
  bench.site.schedule_wanted = true;
  bench.step();
  EXPECT_EQ(front.sender->messages.size(), said);
}

Options one_device_a_job() {
  Options options;
  options.flavor_devices_max = 1;
  return options;
}

TEST(Sessions, FlavorOfManyDevicesIsRefusedByName) {
  Bench bench(one_device_a_job());
  Back back = bench.join("a", 2);
  v1::Open open;
  open.set_flavor("Medium.128GB");
  Front front = bench.open(bench.token, open);
  bench.acquire(front);
  ASSERT_TRUE(front.last().has_ended());
  EXPECT_EQ(front.cause(), "flavor_not_supported");
  EXPECT_NE(front.last().ended().text().find("Medium.128GB"), std::string::npos);
  EXPECT_NE(front.last().ended().text().find("moreh-switch-model"), std::string::npos);
  EXPECT_TRUE(bench.site.ledger.leases().empty());
}

TEST(Sessions, BrokenStreamKeepsItsLeaseForAWhile) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  bench.break_stream(front);
  bench.pass(4000);
  bench.report(back);
  bench.tick();
  EXPECT_EQ(bench.site.ledger.sessions().size(), 1u);
  bench.pass(2000);
  bench.tick();
  EXPECT_TRUE(bench.site.ledger.sessions().empty());
  bench.work(back);
  EXPECT_TRUE(bench.site.ledger.leases().empty());
}

TEST(Sessions, SilentSessionIsEnded) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  for (int i = 0; i < 3; ++i) {
    bench.pass(4000);
    bench.report(back);
    bench.beat(front);
    bench.tick();
  }
  EXPECT_FALSE(front.sender->ended);
  bench.pass(5001);
  bench.report(back);
  bench.tick();
  EXPECT_EQ(front.sender->end.code(), Code::kDeadlineExceeded);
}

TEST(Sessions, CleanEndGivesBackAtOnce) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  session_closed(bench.site, front.connection, true);
  bench.step();
  EXPECT_TRUE(back.sender->messages.back().has_stop_worker());
  EXPECT_TRUE(bench.site.ledger.sessions().empty());
}

TEST(Sessions, ResumeContinuesTheLease) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  bench.break_stream(front);
  v1::Open open;
  open.set_resume(front.resume());
  Front successor = bench.open(bench.token, open);
  ASSERT_EQ(successor.sender->messages.size(), 2u);
  EXPECT_EQ(successor.sender->messages[0].opened().resume(), front.resume());
  EXPECT_EQ(successor.last().granted().epoch(), 1u);
}

TEST(Sessions, ResumeHearsHowItsLeaseEnded) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  bench.break_stream(front);
  bench.ended(back, 1, 0, "signal 9");
  v1::Open open;
  open.set_resume(front.resume());
  Front successor = bench.open(bench.token, open);
  EXPECT_EQ(successor.cause(), "worker_ended");
}

TEST(Sessions, ResumeNeedsTheCredentialAndTheToken) {
  Bench bench;
  Front front = bench.open(bench.token);
  v1::Open open;
  open.set_resume("moai_guess");
  EXPECT_EQ(bench.open(bench.token, open).sender->end.code(), Code::kNotFound);
  open.set_resume(front.resume());
  EXPECT_EQ(bench.open(bench.admin, open).sender->end.code(), Code::kNotFound);
  EXPECT_TRUE(bench.open(bench.token, open).sender->end.ok());
  EXPECT_EQ(front.sender->end.code(), Code::kAborted);  // the former holder
}

TEST(Sessions, OwnAcceleratorsGrowWithTheDevices) {
  Bench bench;
  const std::string local =
      bench.make_token("local", [](TokenRow& row) { row.accelerators_max = 0; });
  Back back = bench.join("a", 2);
  v1::Open open;
  open.set_own_accelerator(true);
  Front one = bench.open(local, open), two = bench.open(local, open),
        three = bench.open(local, open);
  for (Front* front : {&one, &two, &three}) bench.acquire(*front);
  bench.work(back);
  EXPECT_TRUE(one.granted());
  EXPECT_TRUE(two.granted());
  EXPECT_EQ(three.cause(), "in_use");
  bench.close(two);  // not the one the third was queued behind
  bench.work(back);
  EXPECT_TRUE(three.granted());
}

v1::Open own_open() {
  v1::Open open;
  open.set_own_accelerator(true);
  return open;
}

TEST(Sessions, AnOpenNotebookWithoutAJobBlocksNobody) {
  Bench bench;
  const std::string local =
      bench.make_token("local", [](TokenRow& row) { row.accelerators_max = 0; });
  Back back = bench.join("a", 2);
  Front busy = bench.open(local, own_open()), notebook = bench.open(local, own_open());
  Front third = bench.open(local, own_open());
  bench.acquire(busy);
  bench.acquire(third);
  bench.work(back);
  EXPECT_TRUE(busy.granted());
  EXPECT_TRUE(third.granted()) << "the notebook holds no device";
  bench.acquire(notebook);
  bench.work(back);
  EXPECT_EQ(notebook.cause(), "in_use");
  bench.close(busy);  // whichever ends first
  bench.work(back);
  EXPECT_TRUE(notebook.granted());
}

TEST(Sessions, AnAcceleratorMadeForASessionGoesWithIt) {
  Bench bench;
  const std::string local =
      bench.make_token("local", [](TokenRow& row) { row.accelerators_max = 0; });
  const Access access = bench.access(local);
  const auto accelerators = [&] {
    return list_accelerators(bench.site, access, {}).value().accelerators_size();
  };
  Back back = bench.join("a", 3);
  v1::AddAcceleratorRequest request;
  request.set_flavor_id(1);
  ASSERT_TRUE(add_accelerator(bench.site, access, request).ok());
  Front one = bench.open(local, own_open()), two = bench.open(local, own_open());
  Front three = bench.open(local, own_open());
  EXPECT_EQ(accelerators(), 3);
  bench.acquire(three);
  bench.work(back);
  bench.close(three);
  EXPECT_EQ(accelerators(), 3) << "its Worker is still ending";
  bench.work(back);
  EXPECT_EQ(accelerators(), 2);
  bench.close(two);
  bench.close(one);
  EXPECT_EQ(accelerators(), 2) << "what the user has made stays";
}

TEST(Sessions, AnOwnAcceleratorHasTheFlavorOfTheDefaultOne) {
  Bench bench(one_device_a_job());
  const std::string local =
      bench.make_token("local", [](TokenRow& row) { row.accelerators_max = 0; });
  Back back = bench.join("a", 4);
  const Access access = bench.access(local);
  v1::AddAcceleratorRequest added;
  added.set_flavor_id(3);
  ASSERT_TRUE(add_accelerator(bench.site, access, added).ok());
  Front one = bench.open(local, own_open()), two = bench.open(local, own_open());
  const auto list = list_accelerators(bench.site, access, {}).value();
  ASSERT_EQ(list.accelerators_size(), 3) << "one of the default's flavor was made for the second";
  EXPECT_EQ(list.accelerators(2).flavor().id(), 1u);
  v1::AcceleratorRequest other;
  other.set_number(1);
  ASSERT_TRUE(switch_accelerator(bench.site, access, other).ok());
  Front three = bench.open(local, own_open());
  bench.acquire(three);
  EXPECT_EQ(list_jobs(bench.site, access, {}).value().jobs_size(), 0) << "refused, not queued";
  EXPECT_EQ(three.cause(), "flavor_not_supported") << "the default goes first";
}

TEST(Sessions, LimitsAnswerWithRetryAfter) {
  Options options;
  options.sessions_max = 2;
  options.queue_max = 1;
  Bench bench(options);
  Front one = bench.open(bench.token), two = bench.open(bench.token);
  Front three = bench.open(bench.token);
  EXPECT_EQ(three.sender->end.code(), Code::kResourceExhausted);
  EXPECT_NE(three.sender->end.message().find("try again in"), std::string::npos);
  bench.acquire(one);
  bench.acquire(two);
  EXPECT_EQ(two.last().ended().code(), static_cast<int>(Code::kResourceExhausted));
  EXPECT_NE(two.last().ended().text().find("try again in"), std::string::npos);
}

TEST(Sessions, LinkLostEndsTheLeaseButNotTheDevice) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  bench.lose_link(front, "tcp:10.0.0.1:4000", "connection reset");
  EXPECT_TRUE(front.granted()) << "its agent may know more";
  bench.pass(600);
  bench.tick();
  EXPECT_EQ(front.cause(), "link_lost");
  EXPECT_EQ(front.last().ended().text(),
            "The connection to the worker at tcp:10.0.0.1:4000 is lost: connection reset");
  bench.acquire(front);
  EXPECT_EQ(front.cause(), "no_free_device");
  bench.work(back);
  EXPECT_TRUE(front.granted());
  EXPECT_EQ(front.last().granted().epoch(), 2u);
}

TEST(Sessions, ALostLinkIsExplainedByTheAgentThatKnowsWhy) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  bench.lose_link(front, "tcp:10.0.0.1:4000", "connection reset");
  bench.ended(back, 1, 0, "killed by signal 9");
  EXPECT_EQ(front.cause(), "worker_ended");
  EXPECT_NE(front.last().ended().text().find("signal 9"), std::string::npos);
  const size_t said = front.sender->messages.size();
  bench.pass(600);
  bench.tick();
  EXPECT_EQ(front.sender->messages.size(), said);
}

TEST(Sessions, NothingIsPromisedWhileTheDiskIsFull) {
  MemoryStore store;
  Bench bench({}, &store);
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  store.fail_with(resource_exhausted("disk full"));
  const size_t orders = back.sender->messages.size();
  bench.acquire(front);
  EXPECT_EQ(back.sender->messages.size(), orders);
  EXPECT_EQ(bench.open(bench.token).sender->end.code(), Code::kUnavailable);
  store.fail_with(ok_status());
  bench.step();
  bench.work(back);
  EXPECT_TRUE(front.granted());
}

}  // namespace
}  // namespace moai::control
