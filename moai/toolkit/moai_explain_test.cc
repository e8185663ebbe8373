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
  void leave(uint64_t job_id, uint64_t pid, bool ended) {
    session::JobReport report;
    report.job_id = job_id;
    report.pid = pid;
    report.begun_ns = static_cast<int64_t>(job_id);
    report.command = "python train.py";
    report.ended = ended;
    report.counters = {{"calls", 123}};
    report.flushes = {{"step_end", 40, 0, 0, "train.py:12"}, {"quiet", 1, 0, 0, ""}};
    report.windows = {{2, "used", 465, 31'000, 2'300'000, 1'100'000, "compiled from call 9 on"}};
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

}  // namespace
}  // namespace moai::toolkit
