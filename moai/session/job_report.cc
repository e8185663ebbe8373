#include "moai/session/job_report.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "moai/base/file.h"

namespace moai::session {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFilesKept = 50;
constexpr std::string_view kFirstLine = "moai-job-report 1";
constexpr const char* kSuffix = ".report";

std::string on_one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

void put_rows(const char* key, const std::vector<JobReport::Row>& rows, std::string* out) {
  for (const JobReport::Row& row : rows) {
    *out += std::string(key) + " " + row.reason + " " + std::to_string(row.count) + " " +
            std::to_string(row.total_ns) + " " + std::to_string(row.longest_ns) + " " +
            on_one_line(row.line) + "\n";
  }
}

// Takes the text before the next space.
std::string_view word(std::string_view* rest) {
  const size_t end = std::min(rest->find(' '), rest->size());
  const std::string_view taken = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return taken;
}

template <typename Number>
bool number(std::string_view* rest, Number* out) {
  const std::string_view text = word(rest);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

bool row(std::string_view rest, std::vector<JobReport::Row>* rows) {
  JobReport::Row& made = rows->emplace_back();
  made.reason = word(&rest);
  if (!number(&rest, &made.count) || !number(&rest, &made.total_ns)) return false;
  if (!number(&rest, &made.longest_ns)) return false;
  made.line = rest;
  return !made.reason.empty();
}

void put_windows(const std::vector<JobReport::Window>& windows, std::string* out) {
  for (const JobReport::Window& w : windows) {
    *out += "window " + std::to_string(w.id) + " " + w.phase;
    for (const uint64_t number : {w.calls, w.compile_ms, w.interpreted_ns, w.compiled_ns}) {
      *out += " " + std::to_string(number);
    }
    *out += " " + on_one_line(w.text) + "\n";
  }
}

bool window(std::string_view rest, std::vector<JobReport::Window>* windows) {
  JobReport::Window& made = windows->emplace_back();
  if (!number(&rest, &made.id)) return false;
  made.phase = word(&rest);
  for (uint64_t* to : {&made.calls, &made.compile_ms, &made.interpreted_ns, &made.compiled_ns}) {
    if (!number(&rest, to)) return false;
  }
  made.text = rest;
  return !made.phase.empty();
}

void put_plan(const JobReport::Plan& p, std::string* out) {
  if (p.degrees.empty()) return;
  const auto numbers = [](std::initializer_list<uint64_t> values) {
    std::string text;
    for (const uint64_t value : values) text += " " + std::to_string(value);
    return text;
  };
  *out +=
      "plan " + p.how + numbers({p.changes, p.since_step}) + " " + on_one_line(p.degrees) + "\n";
  *out += "plan_why " + on_one_line(p.why) + "\n";
  *out += "plan_measured" + numbers({p.measured_step_ns, p.measured_bytes, p.limit_bytes}) + "\n";
  *out += "plan_search" + numbers({p.candidates, p.priced, p.bound_ns}) + " " +
          on_one_line(p.cluster) + "\n";
  for (const JobReport::Plan::Price& price : p.prices) {
    *out += "plan_price" +
            numbers({price.fits, price.step_ns, price.exchange_ns, price.memory_bytes}) + " " +
            on_one_line(price.degrees) + "\n";
    if (price.idle_ns) *out += "plan_idle" + numbers({price.idle_ns}) + "\n";
  }
  for (const JobReport::Plan::Whole& w : p.whole) {
    *out += "plan_whole" + numbers({w.calls, w.runs}) + " " + on_one_line(w.why) + "\n";
  }
}

bool read_numbers(std::string_view* rest, std::initializer_list<uint64_t*> to) {
  return std::ranges::all_of(to, [&](uint64_t* n) { return number(rest, n); });
}

// A line of the plan; false when it cannot be read.
bool plan_line(std::string_view key, std::string_view rest, JobReport::Plan* p) {
  if (key == "plan") {
    p->how = word(&rest);
    if (!read_numbers(&rest, {&p->changes, &p->since_step})) return false;
    p->degrees = rest;
    return !p->degrees.empty();
  }
  if (key == "plan_why") p->why = rest;
  if (key == "plan_measured") {
    return read_numbers(&rest, {&p->measured_step_ns, &p->measured_bytes, &p->limit_bytes});
  }
  if (key == "plan_search") {
    if (!read_numbers(&rest, {&p->candidates, &p->priced, &p->bound_ns})) return false;
    p->cluster = rest;
  }
  if (key == "plan_price") {
    JobReport::Plan::Price& price = p->prices.emplace_back();
    uint64_t fits = 0;
    const bool read =
        read_numbers(&rest, {&fits, &price.step_ns, &price.exchange_ns, &price.memory_bytes});
    price.fits = fits != 0;
    price.degrees = rest;
    return read;
  }
  if (key == "plan_idle") {
    return !p->prices.empty() && number(&rest, &p->prices.back().idle_ns);
  }
  if (key == "plan_whole") {
    JobReport::Plan::Whole& w = p->whole.emplace_back();
    const bool read = read_numbers(&rest, {&w.calls, &w.runs});
    w.why = rest;
    return read;
  }
  return true;
}

bool counter(std::string_view rest, JobReport* report) {
  auto& [name, value] = report->counters.emplace_back();
  name = word(&rest);
  return number(&rest, &value) && !name.empty();
}

bool line(std::string_view text, JobReport* report) {
  const std::string_view key = word(&text);
  if (key == "job") return number(&text, &report->job_id);
  if (key == "pid") return number(&text, &report->pid);
  if (key == "begun") return number(&text, &report->begun_ns);
  if (key == "written") return number(&text, &report->written_ns);
  if (key == "count") return counter(text, report);
  if (key == "flush") return row(text, &report->flushes);
  if (key == "wait") return row(text, &report->waits);
  if (key == "window") return window(text, &report->windows);
  if (key == "command") report->command = text;
  if (key == "ended") report->ended = true;
  if (key.starts_with("plan")) return plan_line(key, text, &report->plan);
  return true;
}

struct Found {
  fs::path path;
  fs::file_time_type written;
};

std::vector<Found> newest_first(const std::string& folder) {
  std::vector<Found> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != kSuffix) continue;
    std::error_code gone;
    const auto written = fs::last_write_time(it->path(), gone);
    if (!gone) found.push_back({it->path(), written});
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.written > b.written; });
  return found;
}

Result<JobReport> read(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return not_found("[session.report] cannot read " + path.string());
  return job_report_from_text(text.str());
}

}  // namespace

std::string to_text(const JobReport& r) {
  std::string text = std::string(kFirstLine) + "\n";
  text += "job " + std::to_string(r.job_id) + "\npid " + std::to_string(r.pid) + "\n";
  text += "command " + on_one_line(r.command) + "\n";
  text +=
      "begun " + std::to_string(r.begun_ns) + "\nwritten " + std::to_string(r.written_ns) + "\n";
  if (r.ended) text += "ended\n";
  for (const auto& [name, value] : r.counters) {
    text += "count " + name + " " + std::to_string(value) + "\n";
  }
  put_rows("flush", r.flushes, &text);
  put_rows("wait", r.waits, &text);
  put_windows(r.windows, &text);
  put_plan(r.plan, &text);
  return text;
}

Result<JobReport> job_report_from_text(std::string_view text) {
  JobReport report;
  bool first = true;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view at = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool good = first ? at == kFirstLine : line(at, &report);
    if (!good) return data_loss("[session.report] not a report: " + std::string(at));
    first = false;
  }
  if (first) return data_loss("[session.report] an empty file");
  return report;
}

Status write_job_report(const std::string& folder, const JobReport& report) {
  std::error_code error;
  fs::create_directories(folder, error);
  const std::string name = std::to_string(report.job_id) + "-" + std::to_string(report.pid);
  MOAI_RETURN_IF_ERROR(write_file(fs::path(folder) / (name + kSuffix), to_text(report)));
  const std::vector<Found> all = newest_first(folder);
  for (size_t i = kFilesKept; i < all.size(); ++i) fs::remove(all[i].path, error);
  return ok_status();
}

Result<JobReport> read_job_report(const std::string& folder, uint64_t job_id) {
  std::optional<JobReport> best;
  for (const Found& found : newest_first(folder)) {
    const Result<JobReport> report = read(found.path);
    if (!report.ok() || (job_id != 0 && report->job_id != job_id)) continue;
    if (!best || report->begun_ns > best->begun_ns) best = *report;
  }
  if (best) return *best;
  return not_found(job_id ? "No report of job " + std::to_string(job_id) + " in " + folder + "."
                          : "No job of this user has left a report in " + folder + ".");
}

std::string job_report_folder(const std::string& state_dir) { return state_dir + "/jobs"; }

}  // namespace moai::session
