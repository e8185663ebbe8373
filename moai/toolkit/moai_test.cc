#include "moai/toolkit/moai.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moai/toolkit/testing/fake_core_api.h"

namespace moai::toolkit {
namespace {

using testing::HasSubstr;

class MoaiTest : public testing::Test, protected CommandRun {
 protected:
  int moai(const std::vector<std::string>& arguments) { return run(moai_command, arguments); }
};

TEST_F(MoaiTest, StatusNamesEveryProcess) {
  server.server.set_pid(12);
  server.server.set_idle_ms(42'000);
  v1::Agent* agent = server.agents.add_agents();
  agent->set_name("back01");
  agent->set_host("10.0.0.1");
  agent->set_pid(13);
  agent->set_connected(true);
  agent->add_devices()->set_kind("cpu");
  v1::RunningWorker* worker = agent->add_workers();
  worker->set_pid(14);
  worker->set_address("unix:/w0.sock");
  worker->set_job_id(7);
  worker->set_ranks(1);
  v1::RunningWorker* other = agent->add_workers();
  *other = *worker;
  other->set_device(1);
  other->set_rank(2);
  other->set_ranks(4);
  EXPECT_EQ(moai({"status"}), 0);
  EXPECT_THAT(out, HasSubstr("is running at master:9000 (idle for 42 s)."));
  EXPECT_THAT(out, HasSubstr("agent    back01, pid 13 on 10.0.0.1, 1 device (cpu"));
  EXPECT_THAT(out, HasSubstr("worker   pid 14 on device 0 at unix:/w0.sock, job 7\n"));
  EXPECT_THAT(out, HasSubstr("on device 1 at unix:/w0.sock, job 7 rank 2 of 4\n"));
  EXPECT_EQ(moai({"status", "--json"}), 0);
  EXPECT_EQ(json()["state"], "running");
  EXPECT_EQ(json()["idle_s"], 42);
  EXPECT_EQ(json()["master"]["pid"], 12);
  EXPECT_EQ(json()["agents"][0]["pid"], 13);
  EXPECT_EQ(json()["workers"][0]["address"], "unix:/w0.sock");
  EXPECT_EQ(json()["workers"][1]["job_id"], 7);
  EXPECT_EQ(json()["workers"][1]["rank"], 2);
  EXPECT_EQ(json()["workers"][1]["ranks"], 4);
}

TEST_F(MoaiTest, LookingAtAStoppedPlatformHasItsOwnCode) {
  stopped = true;
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"status"}, {"jobs"}, {"events"}, {"token", "list"}}) {
    EXPECT_EQ(moai(arguments), 3) << arguments[0];
    EXPECT_THAT(out, HasSubstr("The local platform is not running"));
    EXPECT_FALSE(started);
  }
  EXPECT_EQ(moai({"status", "--json"}), 3);
  EXPECT_EQ(json()["state"], "stopped");
}

TEST_F(MoaiTest, ATokensSecretIsShownOnce) {
  EXPECT_EQ(moai({"token", "create", "--description", "team B", "--priority", "-5", "--devices-max",
                  "4", "--access", "ADMIN"}),
            0);
  EXPECT_EQ(out, "Token 5 is created. Its secret is shown only now:\ns3cret\n");
  EXPECT_EQ(server.created.description(), "team B");
  EXPECT_EQ(server.created.priority(), -5);
  EXPECT_EQ(server.created.devices_max(), 4u);
  EXPECT_EQ(server.created.access(), "ADMIN");
  EXPECT_NE(server.created.operation_id(), "");
  EXPECT_EQ(moai({"token", "create", "--json"}), 0);
  EXPECT_EQ(json()["token"], "s3cret");
}

TEST_F(MoaiTest, TokensAreListedAndRevoked) {
  v1::Token* token = server.tokens.add_tokens();
  token->set_id(2);
  token->set_description("team A");
  token->set_access("USER");
  token->set_accelerators(1);
  token->set_accelerators_max(5);
  EXPECT_EQ(moai({"token", "list"}), 0);
  EXPECT_THAT(out, HasSubstr("|  2      |  team A       |  1        |  5        |  -        |"));
  EXPECT_EQ(moai({"token", "list", "--json"}), 0);
  EXPECT_EQ(json()["tokens"][0]["accelerators_max"], 5);
  EXPECT_EQ(moai({"token", "revoke", "2"}), 0);
  EXPECT_EQ(server.called, "revoke_token(2)");
}

TEST_F(MoaiTest, JobsSayWhyTheyWait) {
  EXPECT_EQ(moai({"jobs"}), 0);
  EXPECT_EQ(out, "No job is running or waiting.\n");
  v1::Job* job = server.jobs.add_jobs();
  job->set_id(9);
  job->set_state("queued");
  job->set_reason("Not enough resources are currently available.");
  EXPECT_EQ(moai({"jobs", "--all", "--limit", "7"}), 0);
  EXPECT_THAT(out, HasSubstr("Job 9: Not enough resources are currently available.\n"));
  EXPECT_TRUE(server.listed_jobs.all_tokens());
  EXPECT_EQ(server.listed_jobs.limit(), 7u);
  EXPECT_EQ(moai({"jobs", "--ended", "--json"}), 0);
  EXPECT_EQ(json()["jobs"][0]["state"], "queued");
  EXPECT_TRUE(server.listed_jobs.ended());
}

TEST_F(MoaiTest, JobsNameTheirDevicesByNode) {
  v1::Job* job = server.jobs.add_jobs();
  const auto has = [&](const std::string& host, std::initializer_list<uint32_t> devices) {
    for (const uint32_t index : devices) {
      job->add_devices()->set_host(host);
      job->mutable_devices(job->devices_size() - 1)->set_index(index);
    }
  };
  server.jobs.add_jobs();
  EXPECT_EQ(moai({"jobs"}), 0);
  EXPECT_THAT(out, HasSubstr("|  Physical  |"));
  EXPECT_THAT(out, HasSubstr("|  -         |"));
  has("back01", {3});
  EXPECT_EQ(moai({"jobs"}), 0);
  EXPECT_THAT(out, HasSubstr("|  back01:3  |"));
  has("back01", {5, 6, 7});
  has("back02", {0, 1});
  has("back1", {2});
  EXPECT_EQ(moai({"jobs"}), 0);
  EXPECT_THAT(out, HasSubstr("|  back01:3,5-7 back02:0-1 back1:2  |"));
}

TEST_F(MoaiTest, EventsAreListed) {
  v1::Event* event = server.events.add_events();
  event->set_id(3);
  event->set_kind("lease.granted");
  event->set_subject("job/7");
  EXPECT_EQ(moai({"events", "--after", "2"}), 0);
  EXPECT_THAT(out, HasSubstr("lease.granted"));
  EXPECT_EQ(server.listed_events.after(), 2u);
  EXPECT_EQ(moai({"events", "--json"}), 0);
  EXPECT_EQ(json()["events"][0]["subject"], "job/7");
}

TEST_F(MoaiTest, WrongUsageHasCodeTwo) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"sideways"},
                                             {"token"},
                                             {"token", "revoke"},
                                             {"jobs", "--limit", "0"},
                                             {"token", "create", "--priority", "100"}}) {
    EXPECT_EQ(moai(arguments), 2);
    EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1) << err;
  }
}

TEST_F(MoaiTest, ADeniedCallSaysWhatIsNeeded) {
  server.failure = permission_denied("This call needs an ADMIN token.");
  EXPECT_EQ(moai({"token", "list"}), 1);
  EXPECT_EQ(err, "moai: This call needs an ADMIN token.\n");
}

}  // namespace
}  // namespace moai::toolkit
