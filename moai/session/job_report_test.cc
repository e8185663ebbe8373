#include "moai/session/job_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace moai::session {
namespace {

JobReport sample(uint64_t job_id, int64_t begun_ns) {
  JobReport report;
  report.job_id = job_id;
  report.pid = 12;
  report.command = "python train.py --name 'a b'";
  report.begun_ns = begun_ns;
  report.written_ns = begun_ns + 5;
  report.counters = {{"calls", 100}, {"windows", 3}};
  report.flushes = {{"step_end", 7, 0, 0, "train.py:12"}, {"quiet", 1, 0, 0, ""}};
  report.waits = {{"read", 2, 3000, 2000, "my file.py:8"}};
  report.windows = {{3, "used", 465, 31'000, 2'300'000, 1'100'000, "compiled from call 7 on"},
                    {0, "dropped", 0, 0, 0, 0, "no compile service"}};
  report.plan = {.degrees = "dp2 tp2 zero1",
                 .how = "found",
                 .why = "predicted faster",
                 .changes = 1,
                 .since_step = 9,
                 .prices = {{"dp2 tp2 zero1", true, 10, 2, 4096},
                            {"dp4 tp1 zero0", false, 12, 3},
                            {"dp1 tp2 zero0 pp2 m4 1f1b", true, 13, 4, 2048, 5}},
                 .candidates = 14,
                 .priced = 9,
                 .bound_ns = 8,
                 .limit_bytes = 1 << 20,
                 .cluster = "a cluster",
                 .measured_step_ns = 11,
                 .measured_bytes = 4000,
                 .whole = {{12, 3, "a part of it may be skipped"}}};
  return report;
}

class JobReportTest : public testing::Test {
 protected:
  JobReportTest() {
    char name[] = "/tmp/moai-report-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~JobReportTest() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(JobReportTest, TextComesBackAsItWas) {
  JobReport report = sample(3, 1000);
  EXPECT_EQ(*job_report_from_text(to_text(report)), report);
  report.ended = true;
  report.command = "two\nlines";
  EXPECT_TRUE(job_report_from_text(to_text(report))->ended);
  EXPECT_EQ(job_report_from_text(to_text(report))->command, "two lines");
}

TEST_F(JobReportTest, WhatIsNoReportIsRefusedAndWhatIsLaterPassedOver) {
  for (const char* text :
       {"", "something\n", "moai-job-report 1\njob x\n", "moai-job-report 1\nwait read 1\n",
        "moai-job-report 1\ncount a\n", "moai-job-report 1\nwindow 1 used 2 3\n",
        "moai-job-report 1\nplan found 1 x dp2\n", "moai-job-report 1\nplan_price 1 2\n"}) {
    EXPECT_EQ(job_report_from_text(text).status().code(), Code::kDataLoss) << text;
  }
  const auto later = job_report_from_text("moai-job-report 1\njob 4\nweather fine\n");
  ASSERT_TRUE(later.ok());
  EXPECT_EQ(later->job_id, 4u);
}

TEST_F(JobReportTest, TheJobThatBeganLastIsFoundWithoutItsNumber) {
  EXPECT_EQ(read_job_report(folder_, 0).status().code(), Code::kNotFound);
  ASSERT_EQ(write_job_report(folder_ + "/deep/er", sample(1, 10)), ok_status());
  ASSERT_EQ(write_job_report(folder_, sample(2, 3000)), ok_status());
  ASSERT_EQ(write_job_report(folder_, sample(1, 2000)), ok_status());
  EXPECT_EQ(*read_job_report(folder_, 0), sample(2, 3000));
  EXPECT_EQ(*read_job_report(folder_, 1), sample(1, 2000));
  EXPECT_THAT(read_job_report(folder_, 9).status().message(), testing::HasSubstr("job 9"));
}

TEST_F(JobReportTest, OnlyTheNewestAreKept) {
  for (uint64_t job = 1; job <= 60; ++job) {
    ASSERT_EQ(write_job_report(folder_, sample(job, static_cast<int64_t>(job))), ok_status());
  }
  size_t files = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(folder_)) ++files;
  EXPECT_EQ(files, 50u);
  EXPECT_TRUE(read_job_report(folder_, 60).ok());
}

TEST_F(JobReportTest, AFolderThatCannotBeMadeIsSaid) {
  EXPECT_EQ(write_job_report("/dev/null/x", sample(1, 1)).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace moai::session
