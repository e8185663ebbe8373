#include "moai/driver/insight/reporter.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "moai/driver/testing/played_lease.h"
#include "moai/driver/testing/script.h"

namespace moai::driver {
namespace {

using session::JobReport;

class ReporterTest : public testing::Test {
 protected:
  ReporterTest() {
    char name[] = "/tmp/moai-state-XXXXXX";
    state_dir_ = ::mkdtemp(name);
  }
  ~ReporterTest() override { std::filesystem::remove_all(state_dir_); }

  Result<JobReport> written() const {
    return session::read_job_report(session::job_report_folder(state_dir_), 0);
  }
  static uint64_t count_of(const std::vector<JobReport::Row>& rows, const std::string& reason,
                           const std::string& line) {
    uint64_t count = 0;
    for (const auto& row : rows) count += row.reason == reason && row.line == line ? row.count : 0;
    return count;
  }

  std::string state_dir_;
  Platform platform_;
  Answers answers_;
};

TEST_F(ReporterTest, NothingIsWrittenBeforeThereIsAJob) {
  Reporter reporter(state_dir_, "python a.py", {});
  reporter.report({.calls = 1}, {}, answers_);
  EXPECT_FALSE(written().ok());
  reporter.begin(4);
  reporter.report({.calls = 1}, {}, answers_);
  ASSERT_TRUE(written().ok());
  EXPECT_EQ(written()->job_id, 4u);
  EXPECT_EQ(written()->command, "python a.py");
  EXPECT_FALSE(written()->ended);
}

TEST_F(ReporterTest, ItWritesNotMoreOftenThanItShouldAndNothingAfterTheEnd) {
  Reporter reporter(state_dir_, "", {});
  reporter.begin(4);
  reporter.report({.calls = 1}, {}, answers_);
  reporter.report({.calls = 2}, {}, answers_);
  EXPECT_EQ(written()->counters[0].second, 1u);
  answers_.window({.id = 2, .phase = dispatch::WindowState::Phase::kAsked, .text = "asked for"});
  answers_.window({.id = 2, .phase = dispatch::WindowState::Phase::kUsed, .calls = 40});
  reporter.end({.calls = 3}, {}, answers_);
  const std::vector<JobReport::Window> windows = written()->windows;
  ASSERT_EQ(windows.size(), 1u) << "the newest of each";
  EXPECT_EQ(windows[0], (JobReport::Window{.id = 2, .phase = "used", .calls = 40}));
  EXPECT_TRUE(written()->ended);
  EXPECT_EQ(written()->counters[0].second, 3u);
}

TEST_F(ReporterTest, AnEngineCountsItsFlushesAndWaitsByLine) {
  DriverOptions options;
  options.state_dir = state_dir_;
  options.flush_quiet_us = 1'000'000;  // five times that while the Worker is busy
  options.line_text = [](LineId line) { return "a.py:" + std::to_string(line); };
  Script script(&platform_, options);
  const StorageId a = script.upload({1, 2});
  const StorageId b = script.add(a, a, 1, 5);
  script.engine->waits_at(6);
  script.value(b);
  // The courier may take a call before it is told of the step's end.
  const auto stepped = [&] {
    script.add(a, a, 1, 7);
    script.engine->step_end();
    for (const FlushLedger::Row& row : script.engine->ledger().flushes()) {
      if (row.reason == Reason::kStepEnd) return true;
    }
    return false;
  };
  EXPECT_TRUE(eventually(stepped));
  script.engine->waits_at(8);
  EXPECT_EQ(script.engine->synchronize({}), ok_status());
  script.engine->waits_at(9);
  EXPECT_EQ(script.engine->shutdown(false, {}), ok_status());

  const auto report = written();
  ASSERT_TRUE(report.ok()) << report.status().to_string();
  EXPECT_TRUE(report->ended);
  EXPECT_EQ(count_of(report->waits, "read", "a.py:6"), 1u);
  EXPECT_EQ(count_of(report->waits, "synchronize", "a.py:8"), 1u);
  EXPECT_EQ(count_of(report->waits, "exit", "a.py:9"), 1u);
  EXPECT_GE(count_of(report->flushes, "step_end", "a.py:7"), 1u);
  EXPECT_EQ(count_of(report->flushes, "read", "a.py:5"), 1u);
}

}  // namespace
}  // namespace moai::driver
