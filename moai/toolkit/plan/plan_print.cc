#include "moai/toolkit/plan/plan_print.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>

#include "moai/toolkit/plan/quantities.h"
#include "moai/toolkit/table.h"

namespace moai::toolkit {
namespace {

using compiler::StepPrice;

constexpr size_t kRows = 12;
constexpr double kBar = 40;

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string rate(int64_t count, double step_s, const char* what) {
  char text[64];
  std::snprintf(text, sizeof text, ", %.0f %s/s", static_cast<double>(count) / step_s, what);
  return count > 0 && step_s > 0 ? text : "";
}

void head(std::ostream& out, const PlanReport& r) {
  const StepPrice& best = r.best();
  const double step_s = best.program.step_s;
  const auto limit = static_cast<uint64_t>(r.cluster.device.memory_bytes);
  out << "Plan for " << r.script << " on " << r.cluster.devices() << " devices of "
      << r.cluster.name << " (" << r.cluster.device.name << ")\n"
      << "  " << plan_text(best.degrees) << "\n"
      << "  to pin it  MOAI_PLAN=" << to_string(compiler::pins_of(best.degrees)) << "\n"
      << "  step       " << seconds_text(step_s) << rate(r.samples, step_s, "samples")
      << rate(r.tokens, step_s, "tokens") << "\n"
      << "  one device " << seconds_text(r.found.one_device.program.step_s) << "; no plan below "
      << seconds_text(r.found.lower_bound_s) << "\n"
      << "  MFU        " << percent(utilization(r)) << "\n"
      << "  memory     " << bytes_text(best.program.memory_bytes_max) << " of " << bytes_text(limit)
      << " a device\n"
      << "  bound by   " << binding_constraint(r) << "\n"
      << "  mode       exact; collectives "
      << (exchanges_overlap(r) ? "run beside" : "stand in line with")
      << " calls; float32 products without TF32"
      << (r.profile.empty() ? "" : "; constants of " + r.profile) << "\n";
  for (const std::string& note : notes(r)) out << "  note       " << note << "\n";
}

void bars(std::ostream& out, const PlanReport& r) {
  const double step_s = r.best().program.step_s;
  for (const Part& part : waterfall(r.best())) {
    if (part.seconds == 0 && part.name == "waiting") continue;
    const auto length = static_cast<size_t>(std::lround(kBar * part.seconds / step_s));
    out << "  " << padded(part.name, 12) << padded(seconds_text(part.seconds), 9) << " "
        << std::string(length, '#') << "\n";
  }
}

void traffic(std::ostream& out, const PlanReport& r) {
  const auto axes = compiler::mesh_of(r.best().degrees).axes;
  for (size_t a = 0; a < axes.size(); ++a) {
    const compiler::cost::AxisTraffic& t = r.best().program.axes[a];
    out << "  over " << axes[a].name << ": " << t.collectives << " collectives, a device receives "
        << bytes_text(t.received_bytes) << " in " << seconds_text(t.seconds) << "\n";
  }
}

void stages(std::ostream& out, const PlanReport& r) {
  const auto& stages = r.best().stages;
  if (stages.size() < 2) return;
  Table table{.title = "",
              .header = {"Stage", "Weights", "Calls", "Collectives", "Waiting", "Memory"},
              .rows = {}};
  for (size_t s = 0; s < stages.size(); ++s) {
    table.rows.push_back(
        {std::to_string(s), std::to_string(stages[s].weights), seconds_text(stages[s].busy_s()),
         seconds_text(stages[s].slices.exchange_s), seconds_text(stages[s].slices.idle_s),
         bytes_text(stages[s].memory_bytes)});
  }
  out << "Stages, a device of each:\n" << render(table);
}

void memory(std::ostream& out, const PlanReport& r) {
  out << "Memory of a device when it is fullest:\n";
  for (const MemoryPart& part : memory_parts(r.best().fullest)) {
    if (part.bytes > 0) out << "  " << padded(part.name, 20) << bytes_text(part.bytes) << "\n";
  }
}

void next_plans(std::ostream& out, const PlanReport& r) {
  Table table{.title = "", .header = {"Plan", "Step", "Memory", "Why not"}, .rows = {}};
  for (const compiler::FoundPlan& p : r.found.alternatives) {
    table.rows.push_back({plan_text(p.degrees), seconds_text(p.price.step_s),
                          bytes_text(static_cast<uint64_t>(p.price.memory_bytes)), p.why_not});
  }
  if (table.rows.empty()) return;
  out << "The next of " << r.found.candidates << " plans:\n" << render(table);
}

void unsupported(std::ostream& out, const PlanReport& r) {
  const auto& whole = r.best().whole;
  if (whole.empty()) return;
  Table table{
      .title = "", .header = {"Operator", "Calls", "Time", "Collectives", "Line"}, .rows = {}};
  for (size_t i = 0; i < std::min(kRows, whole.size()); ++i) {
    table.rows.push_back({whole[i].op, std::to_string(whole[i].calls),
                          seconds_text(whole[i].seconds), seconds_text(whole[i].exchange_s),
                          line_text(r, whole[i].line)});
  }
  out << "Operators without a rule, which every device runs whole:\n" << render(table);
  if (whole.size() > kRows) out << whole.size() - kRows << " more: --json\n";
}

}  // namespace

void print_plan(std::ostream& out, const PlanReport& r) {
  head(out, r);
  out << "Where the step goes:\n";
  bars(out, r);
  traffic(out, r);
  stages(out, r);
  memory(out, r);
  next_plans(out, r);
  unsupported(out, r);
  out << "Recorded in " << seconds_text(r.capture_s) << "; of " << r.found.candidates << " plans "
      << r.found.priced
      << (r.cached ? " had been priced before; looked at again in " : " priced in ")
      << seconds_text(r.found.search_s + r.found.confirm_s);
  if (r.found.begun_with) {
    out << ", first those found for other sizes, " << to_string(*r.found.begun_with);
  }
  out << "\n";
}

}  // namespace moai::toolkit
