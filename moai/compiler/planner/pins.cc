#include "moai/compiler/planner/pins.h"

#include <algorithm>
#include <charconv>

namespace moai::compiler {
namespace {

struct Number {
  std::string_view key;
  std::optional<int> Pins::* pin;
  int least, most;
};
constexpr Number kNumbers[] = {
    {"dp", &Pins::dp, 1, 1 << 20}, {"tp", &Pins::tp, 1, 1 << 20},
    {"pp", &Pins::pp, 1, 1 << 20}, {"cp", &Pins::cp, 1, 1 << 20},
    {"zero", &Pins::zero, 0, 3},   {"microbatches", &Pins::microbatches, 1, 1 << 20},
    {"sp", &Pins::sp, 0, 1},
};

// What a plan does not vary: the one value that it has, and what does its work.
struct Constant {
  std::string_view key, value, instead;
};
constexpr Constant kConstants[] = {
    {"ep", "1", "no axis is for experts alone, tp shares those that are stacked in one weight"},
};

constexpr std::string_view kKeys =
    "dp, tp, zero, sp, pp, cp, ep, microbatches, recompute, schedule";

Status set_number(const Number& number, std::string_view value, Pins* pins) {
  int n = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
  const bool whole = error == std::errc() && end == value.data() + value.size();
  if (!whole || n < number.least || n > number.most) {
    return invalid_argument("plan: " + std::string(number.key) + "=" + std::string(value) +
                            " is not a number of " + std::to_string(number.least) + "-" +
                            std::to_string(number.most));
  }
  pins->*number.pin = n;
  return ok_status();
}

Status set(std::string_view key, std::string_view value, Pins* pins) {
  for (const Constant& c : kConstants) {
    if (c.key != key || c.value == value) continue;
    return unimplemented("plan: " + std::string(key) + "=" + std::string(value) + ": " +
                         std::string(c.instead) + "; leave it out, or say " + std::string(key) +
                         "=" + std::string(c.value));
  }
  for (const Number& n : kNumbers) {
    if (n.key == key) return set_number(n, value, pins);
  }
  const auto bad = [&](std::string_view what) {
    return invalid_argument("plan: " + std::string(key) + "=" + std::string(value) +
                            " is not one of " + std::string(what));
  };
  if (key == "recompute") {
    pins->recompute = recompute_from_string(value);
    return pins->recompute ? ok_status() : bad("none, selective, full");
  }
  if (key == "schedule") {
    pins->schedule = schedule_from_string(value);
    return pins->schedule || value == "none" ? ok_status() : bad("1f1b, interleaved:2-64, zb");
  }
  if (key == "ep") return ok_status();
  return invalid_argument("plan: there is no \"" + std::string(key) + "\"; there are " +
                          std::string(kKeys));
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
                              "\" is no KEY=VALUE; KEY is one of " + std::string(kKeys));
    }
    MOAI_RETURN_IF_ERROR(set(part.substr(0, equals), part.substr(equals + 1), &pins));
  }
  if (pins.sp == 1 && pins.cp.value_or(1) > 1) {
    return invalid_argument("plan: sp=1 and cp=" + std::to_string(*pins.cp) +
                            " both share the sequence; leave one out");
  }
  return pins;
}

std::string to_string(const Pins& pins) {
  std::string text;
  const auto add = [&](std::string_view key, const std::string& value) {
    text += (text.empty() ? "" : ",") + std::string(key) + "=" + value;
  };
  for (const Number& n : kNumbers) {
    if (pins.*n.pin) add(n.key, std::to_string(*(pins.*n.pin)));
  }
  if (pins.recompute) add("recompute", std::string(name(*pins.recompute)));
  if (pins.schedule) add("schedule", to_string(*pins.schedule));
  return text;
}

Pins pins_of(const Degrees& d) {
  Pins pins{.dp = d.dp,
            .tp = d.tp,
            .pp = d.pp,
            .zero = d.zero,
            .microbatches = d.microbatches,
            .recompute = d.recompute};
  if (d.cp > 1) pins.cp = d.cp;
  if (d.tp > 1) pins.sp = d.sp;
  if (d.pp > 1) pins.schedule = d.schedule;
  return pins;
}

Result<Degrees> first_degrees(const Pins& pins, int devices) {
  const int fixed =
      pins.dp.value_or(1) * pins.tp.value_or(1) * pins.pp.value_or(1) * pins.cp.value_or(1);
  const int rest = devices / std::max(fixed, 1);
  Degrees d{.dp = pins.dp.value_or(rest), .tp = pins.tp.value_or(pins.dp ? rest : 1)};
  d.sp = d.tp > 1 && pins.sp.value_or(0) == 1;
  d.pp = pins.pp.value_or(1);
  d.cp = pins.cp.value_or(1);
  d.zero = d.replicas() > 1 ? pins.zero.value_or(0) : 0;
  d.microbatches = pins.microbatches.value_or(1);
  d.recompute = pins.recompute.value_or(Recompute::kNone);
  if (d.pp > 1) d.schedule = pins.schedule.value_or(PipelineSchedule{});
  if (d.ranks() != devices) {
    std::string others = d.pp > 1 ? " times pp=" + std::to_string(d.pp) : "";
    if (d.cp > 1) others += " times cp=" + std::to_string(d.cp);
    return invalid_argument("plan: dp=" + std::to_string(d.dp) + " times tp=" +
                            std::to_string(d.tp) + others + " is not the number of devices, " +
                            std::to_string(devices) + "; change one of them, or leave one out");
  }
  return d;
}

}  // namespace moai::compiler
