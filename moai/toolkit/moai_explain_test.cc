#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "moai/session/job_report.h"
#include "moai/toolkit/moai.h"
#include "moai/toolkit/testing/fake_core_api.h"

namespace moai::toolkit {
namespace {

using testing::HasSubstr;
using testing::Not;

class ExplainTest : public testing::Test, protected CommandRun {
 protected:
  ExplainTest() {
    char name[] = "/tmp/moai-state-XXXXXX";
    state_dir_ = ::mkdtemp(name);
    ::setenv("MOAI_STATE_DIR", state_dir_.c_str(), 1);
  }
  ~ExplainTest() override {
    ::unsetenv("MOAI_STATE_DIR");
    std::filesystem::remove_all(state_dir_);
  }
  void leave(uint64_t job_id, uint64_t pid, bool ended, const session::JobReport::Plan& plan = {}) {
    session::JobReport report;
    report.job_id = job_id;
    report.pid = pid;
    report.begun_ns = static_cast<int64_t>(job_id);
    report.command = "python train.py";
    report.ended = ended;
    report.counters = {{"calls", 123}};
    report.flushes = {{"step_end", 40, 0, 0, "train.py:12"}, {"quiet", 1, 0, 0, ""}};
    report.windows = {{2, "used", 465, 31'000, 2'300'000, 1'100'000, "compiled from call 9 on"}};
    report.plan = plan;
    report.waits = {{"read", 4, 3'000'000, 2'000'000, "train.py:14"}};
    ASSERT_EQ(session::write_job_report(session::job_report_folder(state_dir_), report),
              ok_status());
  }
  int explain(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "explain");
    return run(moai_command, arguments);
  }
  std::string state_dir_;
};

TEST_F(ExplainTest, TheNewestJobsFlushesAndWaitsStandByLine) {
  leave(3, 1, true);
  leave(4, static_cast<uint64_t>(::getpid()), false);
  EXPECT_EQ(explain({"--flushes"}), 0);
  EXPECT_THAT(out, HasSubstr("Job 4 (pid " + std::to_string(::getpid()) + ", running)"));
  EXPECT_THAT(out, HasSubstr("|  step_end  |  40     |  train.py:12  |"));
  EXPECT_THAT(out, HasSubstr("3.000 ms"));
  EXPECT_EQ(explain({"3"}), 0);
  EXPECT_THAT(out, HasSubstr("Job 3 (pid 1, ended)"));
  EXPECT_THAT(out, HasSubstr("calls 123"));
  EXPECT_THAT(out,
              HasSubstr("|  2       |  465    |  31 s       |  used   |  2.300 ms     |  1.100 ms  "
                        "|  compiled from call 9 on  |"));
}

TEST_F(ExplainTest, RowsPastTheLimitAreNamed) {
  leave(3, 1, true);
  EXPECT_EQ(explain({"--flushes", "--limit", "1"}), 0);
  EXPECT_THAT(out, HasSubstr("1 more rows"));
  EXPECT_THAT(out, Not(HasSubstr("quiet")));
}

TEST_F(ExplainTest, JsonHasAllRows) {
  leave(3, 999'999'999, false);
  EXPECT_EQ(explain({"--json"}), 0);
  EXPECT_EQ(json()["state"], "ended without a last report");
  EXPECT_EQ(json()["counters"]["calls"], 123);
  EXPECT_EQ(json()["flushes"][0]["count"], 40);
  EXPECT_EQ(json()["waits"][0]["longest_ns"], 2'000'000);
  EXPECT_EQ(json()["waits"][0]["line"], "train.py:14");
}

TEST_F(ExplainTest, WithoutAReportItSaysSo) {
  EXPECT_EQ(explain({}), 1);
  EXPECT_THAT(err, HasSubstr("No job of this user has left a report"));
  leave(3, 1, true);
  EXPECT_EQ(explain({"8"}), 1);
  EXPECT_THAT(err, HasSubstr("No report of job 8"));
}

session::JobReport::Plan a_plan() {
  return {.degrees = "dp2 tp2 zero0",
          .how = "found",
          .why = "predicted 2 ms a step, dp4 tp1 zero0 3 ms",
          .changes = 1,
          .since_step = 5,
          .prices = {{"dp1 tp4 zero0", false, 1'500'000, 100'000, 3 << 20},
                     {"dp2 tp2 zero0", true, 2'000'000, 500'000, 1 << 20},
                     {"dp4 tp1 zero0", true, 3'000'000, 0, 2 << 20}},
          .candidates = 14,
          .priced = 9,
          .bound_ns = 1'000'000,
          .limit_bytes = 2 << 20,
          .cluster = "cpu-node",
          .measured_step_ns = 2'400'000,
          .measured_bytes = 1 << 20,
          .whole = {{40, 7, "a part of it may be skipped"}}};
}

TEST_F(ExplainTest, ThePlanOfAJobStandsBesideWhatWasMeasured) {
  leave(3, 1, true, a_plan());
  EXPECT_EQ(explain({}), 0);
  EXPECT_THAT(out, HasSubstr("Plan dp2 tp2 zero0 (found, since step 5): predicted 2 ms a step"));
  EXPECT_THAT(out, HasSubstr("2.00 ms predicted, 2.40 ms measured"));
  EXPECT_THAT(out, HasSubstr("1.00 MiB predicted, 1.00 MiB measured, of 2.00 MiB a device"));
  EXPECT_THAT(out, HasSubstr("bound by memory: dp1 tp4 zero0 would take 1.50 ms"));
  EXPECT_THAT(out, HasSubstr("of 14 plans 9 priced for cpu-node"));
  EXPECT_THAT(out, HasSubstr("a window of 40 calls ran whole on every device, 7 times: a part"));
  EXPECT_THAT(out, HasSubstr("does not fit"));
}

TEST_F(ExplainTest, StagesWaitForEachOther) {
  session::JobReport::Plan plan = a_plan();
  plan.degrees = "dp1 tp2 zero0 pp2 m4 recompute=full zb";
  plan.prices = {{plan.degrees, true, 2'000'000, 100'000, 1 << 20, 1'000'000}};
  leave(3, 1, true, plan);
  EXPECT_EQ(explain({}), 0);
  EXPECT_THAT(out, HasSubstr("MOAI_PLAN=dp=1,tp=2,pp=2,zero=0,microbatches=4,sp=0,"
                             "recompute=full,schedule=zb\n"));
  EXPECT_THAT(out, HasSubstr("bound by stages: they wait for each other for 50 % of the step"));
  EXPECT_THAT(out, HasSubstr("|  Waiting  |"));
  EXPECT_EQ(explain({"--json"}), 0);
  EXPECT_EQ(Json::parse(out)["plan"]["prices"][0]["idle_s"], 0.001);
}

TEST_F(ExplainTest, ThePlanInJsonHasNullForWhatIsNotKnown) {
  session::JobReport::Plan plan = a_plan();
  plan.degrees = "dp4 tp1 zero1";
  plan.measured_step_ns = 0;
  leave(3, 1, true, plan);
  EXPECT_EQ(explain({"--json"}), 0);
  const Json found = Json::parse(out)["plan"];
  EXPECT_EQ(found["plan"], "dp4 tp1 zero1");
  EXPECT_TRUE(found["predicted_step_s"].is_null()) << "it was not priced";
  EXPECT_TRUE(found["measured_step_s"].is_null());
  EXPECT_EQ(found["measured_memory_bytes"], 1 << 20);
  EXPECT_EQ(found["prices"].size(), 3u);
  EXPECT_EQ(found["whole_windows"][0]["runs"], 7);
  leave(4, 1, true);
  EXPECT_EQ(explain({"--json"}), 0);
  EXPECT_TRUE(Json::parse(out)["plan"].is_null()) << "a job on one device";
}

}  // namespace
}  // namespace moai::toolkit
