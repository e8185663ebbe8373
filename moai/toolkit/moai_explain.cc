#include <algorithm>
#include <cstdio>
#include <memory>
#include <ostream>

#include "moai/base/process.h"
#include "moai/base/site_settings.h"
#include "moai/session/job_report.h"
#include "moai/toolkit/moai.h"
#include "moai/toolkit/plan/job_plan.h"
#include "moai/toolkit/table.h"

namespace moai::toolkit {
namespace {

using session::JobReport;

constexpr size_t kCommandWidth = 70;
constexpr size_t kLineWidth = 60;

struct Flags {
  uint64_t job = 0;
  bool flushes = false;
  size_t limit = 20;
};

std::string state_of(const JobReport& report) {
  if (report.ended) return "ended";
  return process_id(static_cast<int64_t>(report.pid)) ? "running" : "ended without a last report";
}

std::string milliseconds(uint64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f ms", static_cast<double>(ns) / 1e6);
  return text;
}

std::string line_of(const JobReport::Row& row) {
  if (row.line.empty()) return "-";
  // The end of a path says most.
  return row.line.size() <= kLineWidth ? row.line
                                       : "…" + row.line.substr(row.line.size() - kLineWidth + 1);
}

Json rows_json(const std::vector<JobReport::Row>& rows, bool waits) {
  Json all = Json::array();
  for (const JobReport::Row& row : rows) {
    Json one = {{"reason", row.reason}, {"line", row.line}, {"count", row.count}};
    if (waits) {
      one["total_ns"] = row.total_ns;
      one["longest_ns"] = row.longest_ns;
    }
    all.push_back(std::move(one));
  }
  return all;
}

Json windows_json(const std::vector<JobReport::Window>& windows) {
  Json all = Json::array();
  for (const JobReport::Window& w : windows) {
    all.push_back({{"template", w.id},
                   {"phase", w.phase},
                   {"calls", w.calls},
                   {"compile_ms", w.compile_ms},
                   {"interpreted_ns", w.interpreted_ns},
                   {"compiled_ns", w.compiled_ns},
                   {"text", w.text}});
  }
  return all;
}

Json report_json(const JobReport& report) {
  Json counters = Json::object();
  for (const auto& [name, value] : report.counters) counters[name] = value;
  return {{"job_id", report.job_id},
          {"pid", report.pid},
          {"process", report.command},
          {"state", state_of(report)},
          {"begun", local_time(report.begun_ns)},
          {"written", local_time(report.written_ns)},
          {"counters", std::move(counters)},
          {"flushes", rows_json(report.flushes, false)},
          {"waits", rows_json(report.waits, true)},
          {"windows", windows_json(report.windows)},
          {"plan", plan_json(report.plan)}};
}

void print_rows(std::ostream& out, const std::vector<JobReport::Row>& rows, bool waits,
                size_t limit) {
  Table table;
  table.header = waits ? std::vector<std::string>{"Wait", "Count", "Total", "Longest", "Line"}
                       : std::vector<std::string>{"Flush", "Count", "Line"};
  for (size_t i = 0; i < std::min(limit, rows.size()); ++i) {
    const JobReport::Row& row = rows[i];
    table.rows.push_back({row.reason, std::to_string(row.count)});
    if (waits) {
      table.rows.back().push_back(milliseconds(row.total_ns));
      table.rows.back().push_back(milliseconds(row.longest_ns));
    }
    table.rows.back().push_back(line_of(row));
  }
  if (rows.empty()) {
    out << (waits ? "The script has not waited.\n" : "Nothing has been sent.\n");
    return;
  }
  out << render(table);
  if (rows.size() > limit) out << rows.size() - limit << " more rows: --limit or --json\n";
}

void print_windows(std::ostream& out, const std::vector<JobReport::Window>& windows) {
  Table table;
  table.header = {"Window", "Calls", "Compiling", "State", "Interpreted", "Compiled", "Why"};
  const auto unless_zero = [](uint64_t ns) { return ns ? milliseconds(ns) : std::string("-"); };
  for (const JobReport::Window& w : windows) {
    table.rows.push_back({w.id ? std::to_string(w.id) : "all", std::to_string(w.calls),
                          w.compile_ms ? std::to_string(w.compile_ms / 1000) + " s" : "-", w.phase,
                          unless_zero(w.interpreted_ns), unless_zero(w.compiled_ns), w.text});
  }
  if (!windows.empty()) out << render(table);
}

void print_report(std::ostream& out, const JobReport& report, const Flags& flags) {
  out << "Job " << report.job_id << " (pid " << report.pid << ", " << state_of(report)
      << "): " << one_line(report.command, kCommandWidth) << "\n"
      << "  begun " << local_time(report.begun_ns) << ", as of " << local_time(report.written_ns)
      << "\n";
  if (!flags.flushes) {
    for (const auto& [name, value] : report.counters) out << "  " << name << " " << value << "\n";
    print_windows(out, report.windows);
    print_plan(out, report.plan);
    return;
  }
  print_rows(out, report.flushes, false, flags.limit);
  print_rows(out, report.waits, true, flags.limit);
}

Result<int> explain(const Flags& flags, Context& context, bool json) {
  const std::string folder = session::job_report_folder(state_directory());
  MOAI_ASSIGN_OR_RETURN(const JobReport report, session::read_job_report(folder, flags.job));
  if (json) {
    print_json(context.terminal, report_json(report));
  } else {
    print_report(context.terminal.out, report, flags);
  }
  return kDone;
}

}  // namespace

void declare_explain(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<Flags>();  // of the options and of the action
  CLI::App* command = add_command(app, invocation, "explain",
                                  "what a job of this user did, while it runs and afterwards");
  command->add_option("job", flags->job, "its number; without it the job that began last");
  command->add_flag("--flushes", flags->flushes,
                    "why commands were sent and what the script waited for, by its lines");
  command->add_option("--limit", flags->limit, "at most so many rows a table")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->footer("Example: moai explain --flushes");
  command->callback([&invocation, flags] {
    invocation.action = [flags](Context& context, bool json) {
      return explain(*flags, context, json);
    };
  });
}

}  // namespace moai::toolkit
