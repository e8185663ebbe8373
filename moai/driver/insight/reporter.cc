#include "moai/driver/insight/reporter.h"

#include <unistd.h>

#include "moai/base/log.h"

namespace moai::driver {
namespace {

constexpr std::chrono::seconds kEvery{2};

int64_t unix_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

const char* phase_name(dispatch::WindowState::Phase phase) {
  using Phase = dispatch::WindowState::Phase;
  switch (phase) {
    case Phase::kAsked:
      return "asked";
    case Phase::kTried:
      return "tried";
    case Phase::kUsed:
      return "used";
    case Phase::kDropped:
      break;
  }
  return "dropped";
}

}  // namespace

Reporter::Reporter(const std::string& state_dir, std::string command,
                   std::function<std::string(LineId)> line_text)
    : folder_(state_dir.empty() ? "" : session::job_report_folder(state_dir)),
      line_text_(std::move(line_text)) {
  report_.command = std::move(command);
}

void Reporter::begin(uint64_t job_id) {
  const std::lock_guard lock(mutex_);
  report_.job_id = job_id;
  report_.pid = static_cast<uint64_t>(::getpid());
  report_.begun_ns = unix_ns();
}

void Reporter::report(const Statistics& statistics, const FlushLedger& ledger,
                      const Answers& answers, const session::JobReport::Plan& plan) {
  const std::lock_guard lock(mutex_);
  const std::pair seen(statistics.calls, statistics.round_trips);
  const auto now = std::chrono::steady_clock::now();
  if (report_.begun_ns == 0 || report_.ended || seen == seen_) return;
  if (now - written_ < kEvery) return;
  seen_ = seen;
  written_ = now;
  write(statistics, ledger, answers, plan);
}

void Reporter::end(const Statistics& statistics, const FlushLedger& ledger, const Answers& answers,
                   const session::JobReport::Plan& plan) {
  const std::lock_guard lock(mutex_);
  report_.ended = true;
  write(statistics, ledger, answers, plan);
}

void Reporter::write(const Statistics& s, const FlushLedger& ledger, const Answers& answers,
                     const session::JobReport::Plan& plan) {
  if (folder_.empty() || report_.begun_ns == 0) return;
  const auto rows = [this](const std::vector<FlushLedger::Row>& counted) {
    std::vector<session::JobReport::Row> all;
    for (const FlushLedger::Row& row : counted) {
      all.push_back({reason_name(row.reason), row.count, row.total_ns, row.longest_ns,
                     line_text_ ? line_text_(row.line) : ""});
    }
    return all;
  };
  report_.written_ns = unix_ns();
  report_.counters = {{"calls", s.calls},
                      {"template_calls", s.template_calls},
                      {"windows", s.windows},
                      {"templates", s.templates},
                      {"diverged", s.diverged},
                      {"frames", s.flushes},
                      {"bytes_sent", s.bytes_sent},
                      {"bytes_received", s.bytes_received},
                      {"round_trips", s.round_trips},
                      {"pushed_reads", s.pushed_reads},
                      {"pushed_hits", s.pushed_hits}};
  report_.plan = plan;
  report_.flushes = rows(ledger.flushes());
  report_.waits = rows(ledger.waits());
  report_.windows.clear();
  for (const dispatch::WindowState& w : answers.windows()) {
    report_.windows.push_back({w.id, phase_name(w.phase), w.calls, w.compile_ms, w.interpreted_ns,
                               w.compiled_ns, w.text});
  }
  const Status status = session::write_job_report(folder_, report_);
  if (!status.ok() && !std::exchange(failed_, true)) {
    log_warning(status.message());
  }
}

}  // namespace moai::driver
