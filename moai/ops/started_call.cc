#include "moai/ops/started_call.h"

#include <algorithm>
#include <string_view>

#include "moai/ops/call_build.h"
#include "moai/ops/call_tensors.h"

namespace moai::ops {
namespace {

constexpr std::string_view kStart = "start", kWait = "moai::wait";
constexpr std::string_view kStarted[] = {"moai::all_reduce", "moai::all_gather",
                                         "moai::reduce_scatter", "moai::all_to_all"};

bool has_start(std::string_view op) {
  return std::ranges::find(kStarted, op) != std::end(kStarted);
}

}  // namespace

bool can_start(const CallSignature& s) {
  return s.overload.empty() && has_start(s.op) && !s.args.empty();
}

bool is_start(const CallSignature& s) { return s.overload == kStart && has_start(s.op); }

bool is_wait(const CallSignature& s) { return s.op == kWait; }

CallSignature start_of(const CallSignature& s) {
  CallSignature start = s;
  start.overload = kStart;
  return start;
}

CallSignature whole_of(CallSignature s) {
  if (is_start(s)) s.overload.clear();
  return s;
}

bool makes_in_place(const CallSignature& s) { return fresh_results(s).empty(); }

CallSignature wait_of(const CallSignature& s) {
  Arg made{.kind = ArgKind::kList};
  const auto add = [&](const tensor::Geometry& g) { made.items.push_back(of_tensor(g, true)); };
  if (makes_in_place(s)) {
    for (const Arg* a : tensor_operands(s)) add(a->geometry);
  } else {
    for (const Result* r : fresh_results(s)) add(r->geometry);
  }
  CallSignature wait{.op = std::string(kWait)};
  wait.args = {std::move(made), s.args.back()};
  wait.results = {{.kind = ResultKind::kIgnored}};
  return wait;
}

}  // namespace moai::ops
