// Reporter: writes the job's report for the commands of its user, every two seconds and at the end.
//
// Thread-safe; one mutex, held while the file is written.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>

#include "moai/driver/driver.h"
#include "moai/driver/insight/flush_ledger.h"
#include "moai/driver/stream/answers.h"
#include "moai/session/job_report.h"

namespace moai::driver {

class Reporter {
 public:
  // An empty `state_dir`: nothing is ever written.
  Reporter(const std::string& state_dir, std::string command,
           std::function<std::string(LineId)> line_text);

  // From now on there is a job to report on.
  void begin(uint64_t job_id);
  // Writes if there is a job, two seconds have passed and `statistics` are not those of last time.
  void report(const Statistics& statistics, const FlushLedger& ledger, const Answers& answers,
              const session::JobReport::Plan& plan = {});
  // Writes the last report.
  void end(const Statistics& statistics, const FlushLedger& ledger, const Answers& answers,
           const session::JobReport::Plan& plan = {});

 private:
  void write(const Statistics& statistics, const FlushLedger& ledger, const Answers& answers,
             const session::JobReport::Plan& plan = {});

  const std::string folder_;
  const std::function<std::string(LineId)> line_text_;
  std::mutex mutex_;
  session::JobReport report_;                        // guarded by mutex_
  std::chrono::steady_clock::time_point written_{};  // guarded by mutex_
  std::pair<uint64_t, uint64_t> seen_{};             // guarded by mutex_: calls, round trips
  bool failed_ = false;                              // guarded by mutex_: said so
};

}  // namespace moai::driver
