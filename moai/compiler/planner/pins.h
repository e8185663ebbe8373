// Pins: what the user decides of a plan, as `--fix` of `moai plan` and MOAI_PLAN spell it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "moai/base/status.h"
#include "moai/compiler/planner/degrees.h"

namespace moai::compiler {

struct Pins {
  std::optional<int> dp{}, tp{}, pp{}, cp{}, zero{}, microbatches{};
  std::optional<int> sp{};  // 1: what tensor parallel sums goes to shares of the sequence
  std::optional<Recompute> recompute{};
  std::optional<PipelineSchedule> schedule{};
};

// "dp=4,tp=2,zero=1". INVALID_ARGUMENT names the key or the value, and what there is; UNIMPLEMENTED
// where a plan of that kind is not made yet.
Result<Pins> pins_from_string(std::string_view text);
// The same text again.
std::string to_string(const Pins& pins);

// Pins that leave nothing but these degrees.
Pins pins_of(const Degrees& degrees);

// What a job begins with: what is pinned; the rest of the devices data parallel. INVALID_ARGUMENT
// where the pinned degrees do not make up the devices.
Result<Degrees> first_degrees(const Pins& pins, int devices);

}  // namespace moai::compiler
