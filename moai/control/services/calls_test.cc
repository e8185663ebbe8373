#include "moai/control/services/calls.h"

#include <gtest/gtest.h>

#include "moai/control/testing/bench.h"

namespace moai::control {
namespace {

using testing::Back;
using testing::Bench;
using testing::Front;

v1::AcceleratorRequest number(uint32_t n) {
  v1::AcceleratorRequest request;
  request.set_number(n);
  return request;
}

v1::AddAcceleratorRequest flavor(uint32_t id) {
  v1::AddAcceleratorRequest request;
  request.set_flavor_id(id);
  return request;
}

TEST(Access, AdminIsATokenOrACertificate) {
  Bench bench;
  EXPECT_TRUE(bench.access(bench.admin).admin);
  EXPECT_FALSE(bench.access(bench.token).admin);
  rpc::Caller caller;
  caller.peer = identity::Identity{"admin", "alice"};
  EXPECT_TRUE(authorize(bench.site, caller).value().admin);
  caller.peer = identity::Identity{"agent", "a"};
  EXPECT_EQ(authorize(bench.site, caller).status().code(), Code::kUnauthenticated);
}

TEST(Access, AdminCallsRefuseOthers) {
  Bench bench;
  const Access user = bench.access(bench.token);
  EXPECT_EQ(list_tokens(bench.site, user, {}).status().code(), Code::kPermissionDenied);
  EXPECT_EQ(create_token(bench.site, user, {}).status().code(), Code::kPermissionDenied);
  EXPECT_EQ(revoke_token(bench.site, user, {}).status().code(), Code::kPermissionDenied);
  EXPECT_EQ(list_agents(bench.site, user, {}).status().code(), Code::kPermissionDenied);
  EXPECT_EQ(list_events(bench.site, user, {}).status().code(), Code::kPermissionDenied);
  v1::ListJobsRequest all;
  all.set_all_tokens(true);
  EXPECT_EQ(list_jobs(bench.site, user, all).status().code(), Code::kPermissionDenied);
}

TEST(Access, VersionsOfTheSameSeriesAreServed) {
  Bench bench;
  EXPECT_TRUE(check_version(bench.site, "0.1.0").ok());
  EXPECT_TRUE(check_version(bench.site, "0.1.12+cpu").ok());
  for (const char* old : {"0.0.9", "0.10.0", "1.1.0", "", "0"}) {
    const Status status = check_version(bench.site, old);
    EXPECT_EQ(status.code(), Code::kFailedPrecondition) << old;
    EXPECT_NE(status.message().find("Please run \"update-moreh\"."), std::string::npos);
  }
}

TEST(Accelerators, AreNumberedByTokenUpToItsLimit) {
  Bench bench;
  const Access user = bench.access(bench.token);
  for (uint32_t n = 1; n < 5; ++n)
    EXPECT_EQ(add_accelerator(bench.site, user, flavor(2)).value().number(), n);
  EXPECT_EQ(add_accelerator(bench.site, user, flavor(2)).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(add_accelerator(bench.site, bench.access(bench.admin), flavor(99)).status().code(),
            Code::kInvalidArgument);
  ASSERT_TRUE(remove_accelerator(bench.site, user, number(2)).ok());
  EXPECT_EQ(add_accelerator(bench.site, user, flavor(1)).value().number(), 2u);
  EXPECT_EQ(list_accelerators(bench.site, user, {}).value().accelerators_size(), 5);
}

TEST(Accelerators, DefaultMovesWhenItIsRemoved) {
  Bench bench;
  const Access user = bench.access(bench.token);
  ASSERT_TRUE(add_accelerator(bench.site, user, flavor(1)).ok());
  ASSERT_TRUE(switch_accelerator(bench.site, user, number(1)).ok());
  EXPECT_TRUE(list_accelerators(bench.site, user, {}).value().accelerators(1).is_default());
  ASSERT_TRUE(remove_accelerator(bench.site, user, number(1)).ok());
  EXPECT_TRUE(list_accelerators(bench.site, user, {}).value().accelerators(0).is_default());
  EXPECT_EQ(remove_accelerator(bench.site, user, number(0)).status().code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(switch_accelerator(bench.site, user, number(3)).status().code(), Code::kNotFound);
}

TEST(Accelerators, InUseCannotBeRemovedOrSwitched) {
  Bench bench;
  const Access user = bench.access(bench.token);
  ASSERT_TRUE(add_accelerator(bench.site, user, flavor(1)).ok());
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  EXPECT_EQ(remove_accelerator(bench.site, user, number(0)).status().code(),
            Code::kFailedPrecondition);
  v1::SwitchModelRequest request;
  request.set_flavor_id(2);
  EXPECT_EQ(switch_model(bench.site, user, request).status().message(),
            "The model cannot be switched while the MoAI Accelerator is in use.");
  bench.close(front);
  bench.work(back);
  EXPECT_EQ(switch_model(bench.site, user, request).value().flavor().name(), "Medium.128GB");
}

TEST(Accelerators, SwitchModelCanMeanTheDefault) {
  Bench bench;
  const Access user = bench.access(bench.token);
  ASSERT_TRUE(add_accelerator(bench.site, user, flavor(1)).ok());
  ASSERT_TRUE(switch_accelerator(bench.site, user, number(1)).ok());
  v1::SwitchModelRequest request;
  request.set_flavor_id(3);
  request.set_use_default(true);
  EXPECT_EQ(switch_model(bench.site, user, request).value().number(), 1u);
  request.set_flavor_id(1000);
  EXPECT_EQ(switch_model(bench.site, user, request).status().code(), Code::kInvalidArgument);
}

TEST(Accelerators, ResetEndsTheJob) {
  Bench bench;
  const Access user = bench.access(bench.token);
  EXPECT_EQ(reset_accelerator(bench.site, user, number(0)).status().message(), "Not running job.");
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  ASSERT_TRUE(reset_accelerator(bench.site, user, number(0)).ok());
  bench.step();
  EXPECT_EQ(front.cause(), "reset");
  bench.work(back);
  EXPECT_TRUE(bench.site.ledger.leases().empty());
}

TEST(Accelerators, ShowTheirProcesses) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token), second = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  bench.acquire(second);
  v1::AgentUp up;
  v1::DeviceState* state = up.mutable_report()->add_devices();
  state->set_epoch(1);
  state->set_memory_used_bytes(1000);
  state->set_utilization(0.5);
  bench.say(back, up);
  const auto list = list_accelerators(bench.site, bench.access(bench.token), {}).value();
  const v1::Accelerator& shown = list.accelerators(0);
  ASSERT_EQ(shown.processes_size(), 2);
  EXPECT_EQ(shown.processes(0).state(), "active");
  EXPECT_EQ(shown.processes(1).state(), "queued");
  EXPECT_NE(shown.processes(1).reason().find("already in use"), std::string::npos);
  EXPECT_EQ(shown.memory_used_bytes(), 1000u);
  EXPECT_EQ(shown.utilization(), 0.5);
  EXPECT_EQ(shown.devices(0).host(), "a");
}

TEST(Flavors, AreListedInMenuOrder) {
  Bench bench;
  const auto list = list_flavors(bench.site, bench.access(bench.token), {}).value();
  ASSERT_EQ(list.flavors_size(), 13);
  EXPECT_EQ(list.flavors(0).name(), "Small.64GB");
  EXPECT_EQ(list.flavors(4).name(), "1.5xLarge.768GB");
  EXPECT_EQ(list.flavors(4).id(), 52u);
  EXPECT_EQ(list.flavors(12).memory_bytes() >> 20, 25159680u);
}

TEST(Flavors, ASiteReplacesThem) {
  MemoryStore store;
  const std::string token = Bench({}, &store).token;
  Options options;
  options.flavors = {{20, 0, "tiny", 1, uint64_t{1} << 30}, {2, 0, "Medium.128GB", 2, 1024}};
  Bench bench(options, &store);
  const Access access = bench.access(token);
  const auto list = list_flavors(bench.site, access, {}).value();
  ASSERT_EQ(list.flavors_size(), 2);
  EXPECT_EQ(list.flavors(0).name(), "tiny");
  EXPECT_EQ(list.flavors(1).memory_bytes(), 2048u);
  EXPECT_EQ(list_accelerators(bench.site, access, {}).value().accelerators(0).flavor().name(),
            "Small.64GB")
      << "an accelerator keeps what it has";
  v1::SwitchModelRequest request;
  request.set_use_default(true);
  request.set_flavor_id(1);
  EXPECT_EQ(switch_model(bench.site, access, request).status().code(), Code::kInvalidArgument);
  request.set_flavor_id(20);
  EXPECT_TRUE(switch_model(bench.site, access, request).ok());
}

TEST(Flavors, MemoryIsASetting) {
  Options options;
  options.device_memory = uint64_t{2} << 30;
  Bench bench(options);
  const auto list = list_flavors(bench.site, bench.access(bench.token), {}).value();
  EXPECT_EQ(list.flavors(1).memory_bytes(), uint64_t{4} << 30);
}

TEST(Tokens, AreShownOnceAndStartWithOneAccelerator) {
  Bench bench;
  const Access admin = bench.access(bench.admin);
  v1::CreateTokenRequest request;
  request.set_description("team");
  request.set_priority(7);
  const auto made = create_token(bench.site, admin, request).value();
  const Access user = bench.access(made.secret());
  EXPECT_FALSE(user.admin);
  EXPECT_EQ(list_accelerators(bench.site, user, {}).value().accelerators_size(), 1);
  const auto tokens = list_tokens(bench.site, admin, {}).value();
  const v1::Token& shown = tokens.tokens(tokens.tokens_size() - 1);
  EXPECT_EQ(shown.priority(), 7);
  EXPECT_EQ(shown.accelerators_max(), 5u);
  EXPECT_EQ(shown.access(), "USER");
  EXPECT_EQ(bench.site.ledger.token(made.id())->hash.bytes.find(made.secret()), std::string::npos);
}

TEST(Tokens, BadRequestsAreRefused) {
  Bench bench;
  const Access admin = bench.access(bench.admin);
  v1::CreateTokenRequest request;
  request.set_priority(100);
  EXPECT_EQ(create_token(bench.site, admin, request).status().code(), Code::kInvalidArgument);
  request.set_priority(0);
  request.set_access("ROOT");
  EXPECT_EQ(create_token(bench.site, admin, request).status().code(), Code::kInvalidArgument);
  v1::RevokeTokenRequest revoke;
  revoke.set_id(999);
  EXPECT_EQ(revoke_token(bench.site, admin, revoke).status().code(), Code::kNotFound);
}

TEST(Tokens, RevokingEndsItsSessions) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  v1::RevokeTokenRequest revoke;
  revoke.set_id(bench.access(bench.token).token_id);
  ASSERT_TRUE(revoke_token(bench.site, bench.access(bench.admin), revoke).ok());
  bench.step();
  EXPECT_EQ(front.sender->end.code(), Code::kUnauthenticated);
  bench.work(back);
  EXPECT_TRUE(bench.site.ledger.leases().empty());
  EXPECT_EQ(bench.open(bench.token).sender->end, unauthenticated("Invalid SDA token."));
  EXPECT_TRUE(revoke_token(bench.site, bench.access(bench.admin), revoke).ok());
}

TEST(Tokens, PriorityOrdersTheirJobs) {
  Bench bench;
  const std::string low = bench.make_token("low", [](TokenRow& row) { row.priority = -99; });
  const std::string high = bench.make_token("high", [](TokenRow& row) { row.priority = 99; });
  Back back = bench.join("a", 1);
  Front holder = bench.open(bench.token), later = bench.open(low), first = bench.open(high);
  bench.acquire(holder);
  bench.work(back);
  bench.acquire(later);
  bench.pass(10);
  bench.acquire(first);
  EXPECT_EQ(later.cause(), "no_free_device");
  bench.close(holder);
  bench.work(back);
  EXPECT_TRUE(first.granted());
  EXPECT_FALSE(later.granted());
}

TEST(Jobs, AreListedWhileTheyRunAndAfterwards) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  const Access user = bench.access(bench.token);
  EXPECT_EQ(list_jobs(bench.site, user, {}).value().jobs(0).state(), "active");
  EXPECT_EQ(list_jobs(bench.site, bench.access(bench.admin), {}).value().jobs_size(), 0);
  v1::ListJobsRequest all;
  all.set_all_tokens(true);
  EXPECT_EQ(list_jobs(bench.site, bench.access(bench.admin), all).value().jobs_size(), 1);
  bench.close(front);
  bench.work(back);
  v1::ListJobsRequest ended;
  ended.set_ended(true);
  const auto jobs = list_jobs(bench.site, user, ended).value();
  ASSERT_EQ(jobs.jobs_size(), 1);
  EXPECT_EQ(jobs.jobs(0).state(), "released");
  EXPECT_EQ(jobs.jobs(0).reason(), "process_ended");
  EXPECT_EQ(jobs.jobs(0).command(), "python train.py");
}

TEST(Events, TellTheLifeOfALease) {
  Bench bench;
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  bench.close(front);
  bench.work(back);
  v1::ListEventsRequest request;
  const auto events = list_events(bench.site, bench.access(bench.admin), request).value();
  std::string kinds;
  for (const v1::Event& event : events.events())
    if (event.subject() == "job/1") kinds += event.kind() + " ";
  EXPECT_EQ(kinds,
            "lease.requested lease.granted lease.starting lease.active lease.releasing "
            "lease.released ");
}

}  // namespace
}  // namespace moai::control
