#include "moai/compiler/planner/pins.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace moai::compiler {
namespace {

struct Planned {
  std::string_view key;
  std::optional<int> Pins::* pin;
  int least, most;
};
constexpr Planned kPlanned[] = {
    {"dp", &Pins::dp, 1, 1 << 20},
    {"tp", &Pins::tp, 1, 1 << 20},
    {"zero", &Pins::zero, 0, 3},
};

// What a plan does not vary yet: the one value that it has.
struct Constant {
  std::string_view key, value, what;
};
constexpr Constant kConstants[] = {
    {"pp", "1", "pipeline stages"},
    {"cp", "1", "a split context"},
    {"ep", "1", "experts on devices of their own"},
    {"microbatches", "1", "micro-batches"},
    {"recompute", "none", "recomputation"},
    {"schedule", "none", "a pipeline schedule"},
};

std::string keys() {
  std::string all;
  for (const Planned& p : kPlanned) all += (all.empty() ? "" : ", ") + std::string(p.key);
  for (const Constant& c : kConstants) all += ", " + std::string(c.key);
  return all;
}

Status set(std::string_view key, std::string_view value, Pins* pins) {
  for (const Planned& p : kPlanned) {
    if (p.key != key) continue;
    int number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool whole = error == std::errc() && end == value.data() + value.size();
    if (!whole || number < p.least || number > p.most) {
      return invalid_argument("plan: " + std::string(key) + "=" + std::string(value) +
                              " is not a number of " + std::to_string(p.least) + "-" +
                              std::to_string(p.most));
    }
    pins->*p.pin = number;
    return ok_status();
  }
  for (const Constant& c : kConstants) {
    if (c.key != key) continue;
    if (c.value == value) return ok_status();
    return unimplemented("plan: " + std::string(key) + "=" + std::string(value) + ": plans with " +
                         std::string(c.what) + " are not made yet; leave it out, or say " +
                         std::string(key) + "=" + std::string(c.value));
  }
  return invalid_argument("plan: there is no \"" + std::string(key) + "\"; there are " + keys());
}

}  // namespace

Result<Pins> pins_from_string(std::string_view text) {
  Pins pins;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      return invalid_argument("plan: \"" + std::string(part) +
                              "\" is no KEY=VALUE; KEY is one of " + keys());
    }
    MOAI_RETURN_IF_ERROR(set(part.substr(0, equals), part.substr(equals + 1), &pins));
  }
  return pins;
}

Result<Degrees> first_degrees(const Pins& pins, int devices) {
  const int rest = devices / std::max(pins.dp.value_or(1) * pins.tp.value_or(1), 1);
  Degrees d{.dp = pins.dp.value_or(rest), .tp = pins.tp.value_or(pins.dp ? rest : 1)};
  d.zero = d.dp > 1 ? pins.zero.value_or(0) : 0;
  if (d.ranks() != devices) {
    return invalid_argument("plan: dp=" + std::to_string(d.dp) + " times tp=" +
                            std::to_string(d.tp) + " is not the number of devices, " +
                            std::to_string(devices) + "; change one of them, or leave one out");
  }
  return d;
}

}  // namespace moai::compiler
