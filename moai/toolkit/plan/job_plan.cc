#include "moai/toolkit/plan/job_plan.h"

#include <algorithm>
#include <ostream>

#include "moai/compiler/planner/pins.h"
#include "moai/toolkit/plan/quantities.h"
#include "moai/toolkit/table.h"

namespace moai::toolkit {
namespace {

using Plan = session::JobReport::Plan;

// From this part of a step on, what devices wait for is what binds.
constexpr double kMuch = 0.4;

double seconds(uint64_t ns) { return static_cast<double>(ns) / 1e9; }

// The plan that the job has, as it was priced; null where it was not.
const Plan::Price* price_of(const Plan& p) {
  const auto at = std::ranges::find(p.prices, p.degrees, &Plan::Price::degrees);
  return at == p.prices.end() ? nullptr : &*at;
}

std::string percent(double part) { return std::to_string(static_cast<int>(part * 100)) + " %"; }

// What a faster step would need first; empty where the plan was not priced.
std::string binding(const Plan& p) {
  const Plan::Price* now = price_of(p);
  if (!now || now->step_ns == 0) return "";
  for (const Plan::Price& other : p.prices) {
    if (other.fits || other.step_ns >= now->step_ns) continue;
    return "memory: " + other.degrees + " would take " + seconds_text(seconds(other.step_ns)) +
           " but needs " + bytes_text(other.memory_bytes) + " a device";
  }
  const double idle = seconds(now->idle_ns) / seconds(now->step_ns);
  if (idle > kMuch) return "stages: they wait for each other for " + percent(idle) + " of the step";
  const double exchange = seconds(now->exchange_ns) / seconds(now->step_ns);
  if (exchange > kMuch) return "links: collectives take " + percent(exchange) + " of the step";
  return "devices: their calls take " + percent(1 - exchange - idle) + " of the step";
}

// As MOAI_PLAN takes it.
std::string pins_text(const std::string& degrees) {
  const auto d = compiler::degrees_from_string(degrees);
  return d ? to_string(compiler::pins_of(*d)) : "";
}

std::string beside(const std::string& predicted, const std::string& measured) {
  return predicted + " predicted, " + measured + " measured";
}

void print_prices(std::ostream& out, const Plan& p) {
  Table table;
  table.header = {"Plan", "Step", "Exchanges", "Waiting", "Memory", ""};
  for (const Plan::Price& price : p.prices) {
    table.rows.push_back({price.degrees, seconds_text(seconds(price.step_ns)),
                          seconds_text(seconds(price.exchange_ns)),
                          seconds_text(seconds(price.idle_ns)), bytes_text(price.memory_bytes),
                          price.degrees == p.degrees ? "the job's"
                          : price.fits               ? ""
                                                     : "does not fit"});
  }
  if (!p.prices.empty()) out << render(table);
}

void print_whole(std::ostream& out, const Plan& p) {
  for (const Plan::Whole& w : p.whole) {
    out << "  a window of " << w.calls << " calls ran whole on every device, " << w.runs
        << " times: " << w.why << "\n";
  }
}

}  // namespace

Json plan_json(const Plan& p) {
  if (p.degrees.empty()) return nullptr;
  Json prices = Json::array(), whole = Json::array();
  for (const Plan::Price& price : p.prices) {
    prices.push_back({{"plan", price.degrees},
                      {"fits", price.fits},
                      {"step_s", seconds(price.step_ns)},
                      {"fix", pins_text(price.degrees)},
                      {"exchange_s", seconds(price.exchange_ns)},
                      {"idle_s", seconds(price.idle_ns)},
                      {"memory_bytes_max", price.memory_bytes}});
  }
  for (const Plan::Whole& w : p.whole) {
    whole.push_back({{"calls", w.calls}, {"runs", w.runs}, {"why", w.why}});
  }
  const Plan::Price* now = price_of(p);
  const auto known = [](bool is, Json value) { return is ? std::move(value) : Json(nullptr); };
  return {{"plan", p.degrees},
          {"fix", pins_text(p.degrees)},
          {"how", p.how},
          {"why", p.why},
          {"changes", p.changes},
          {"since_step", p.since_step},
          {"binding_constraint", binding(p)},
          {"predicted_step_s", known(now, now ? seconds(now->step_ns) : 0)},
          {"predicted_memory_bytes", known(now, now ? now->memory_bytes : 0)},
          {"measured_step_s", known(p.measured_step_ns, seconds(p.measured_step_ns))},
          {"measured_memory_bytes", known(p.measured_bytes, p.measured_bytes)},
          {"memory_limit_bytes", p.limit_bytes},
          {"cluster", p.cluster},
          {"candidates", p.candidates},
          {"priced", p.priced},
          {"lower_bound_s", seconds(p.bound_ns)},
          {"prices", std::move(prices)},
          {"whole_windows", std::move(whole)}};
}

void print_plan(std::ostream& out, const Plan& p) {
  if (p.degrees.empty()) return;
  const Plan::Price* now = price_of(p);
  out << "Plan " << p.degrees << " (" << p.how;
  if (p.changes) out << ", since step " << p.since_step;
  out << "): " << p.why << "\n"
      << "  to pin it  MOAI_PLAN=" << pins_text(p.degrees) << "\n"
      << "  step    "
      << beside(now ? seconds_text(seconds(now->step_ns)) : "not",
                p.measured_step_ns ? seconds_text(seconds(p.measured_step_ns)) : "not yet")
      << "\n  memory  "
      << beside(now ? bytes_text(now->memory_bytes) : "not",
                p.measured_bytes ? bytes_text(p.measured_bytes) : "not yet")
      << ", of " << bytes_text(p.limit_bytes) << " a device\n";
  if (const std::string bound = binding(p); !bound.empty()) out << "  bound by " << bound << "\n";
  if (!p.cluster.empty() && p.candidates) {
    out << "  of " << p.candidates << " plans " << p.priced << " priced for " << p.cluster << "\n";
  }
  print_whole(out, p);
  print_prices(out, p);
}

}  // namespace moai::toolkit
