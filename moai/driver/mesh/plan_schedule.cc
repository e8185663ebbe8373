#include "moai/driver/mesh/plan_schedule.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace moai::driver {
namespace {

// Takes "10:" from the front of a part.
Result<uint64_t> take_step(std::string_view* part) {
  const size_t colon = part->find(':');
  const std::string_view text = part->substr(0, colon);
  uint64_t step = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (colon == std::string_view::npos || error != std::errc() || end != text.data() + text.size()) {
    return invalid_argument("plan: \"" + std::string(*part) +
                            "\" does not say from which step on it holds, as \"20:tp=2\" does");
  }
  part->remove_prefix(colon + 1);
  return step;
}

}  // namespace

Result<PlanSchedule> plan_schedule_from_string(std::string_view text) {
  PlanSchedule schedule;
  do {
    std::string_view part = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    PlanSchedule::Part& p = schedule.parts.emplace_back();
    if (schedule.parts.size() > 1) {
      MOAI_ASSIGN_OR_RETURN(p.from_step, take_step(&part));
      const uint64_t before = schedule.parts[schedule.parts.size() - 2].from_step;
      if (p.from_step <= before) {
        return invalid_argument("plan: step " + std::to_string(p.from_step) +
                                " does not come after step " + std::to_string(before));
      }
    }
    MOAI_ASSIGN_OR_RETURN(p.pins, compiler::pins_from_string(part));
  } while (!text.empty());
  return schedule;
}

}  // namespace moai::driver
