#include "moai/ops/bundled_call.h"

#include <algorithm>

#include "moai/ops/call_tensors.h"

namespace moai::ops {
namespace {

bool is_list(const Arg& a) { return a.kind == ArgKind::kList; }
bool is_fresh(const Result& r) { return r.kind == ResultKind::kFresh; }

// Whether an argument is one for each item.
bool is_of_item(const Arg& a) {
  return a.kind == ArgKind::kTensor || a.kind == ArgKind::kIntList || is_list(a);
}

// A sum in place is over a list also where it is one.
bool is_sum(const CallSignature& s) { return s.op == "moai::all_reduce"; }

bool add(const CallSignature& s, CallSignature* all) {
  if (s.op != all->op || s.overload != all->overload || s.args.size() != all->args.size()) {
    return false;
  }
  for (size_t i = 0; i < s.args.size(); ++i) {
    Arg& a = all->args[i];
    if (!is_list(a)) {
      if (s.args[i] != a) return false;
    } else if (is_list(s.args[i])) {
      a.items.insert(a.items.end(), s.args[i].items.begin(), s.args[i].items.end());
    } else {
      a.items.push_back(s.args[i]);
    }
  }
  std::ranges::copy_if(s.results, std::back_inserter(all->results), is_fresh);
  return true;
}

}  // namespace

std::optional<CallSignature> bundled_call(std::span<const CallSignature> calls) {
  if (calls.empty()) return std::nullopt;
  if (calls.size() == 1) return calls[0];
  CallSignature all{.op = calls[0].op, .overload = calls[0].overload};
  for (const Arg& a : calls[0].args) {
    all.args.push_back(is_of_item(a) ? Arg{.kind = ArgKind::kList} : a);
  }
  for (const CallSignature& s : calls) {
    if (!add(s, &all)) return std::nullopt;
  }
  if (all.results.empty()) all.results = calls[0].results;
  return all;
}

std::optional<std::vector<CallSignature>> unbundled_call(const CallSignature& s) {
  const size_t operands = tensor_operands(s).size();
  const auto fresh = static_cast<size_t>(std::ranges::count_if(s.results, is_fresh));
  const size_t length = std::max(operands, fresh);
  if (length == 0 || (operands != 0 && fresh != 0 && operands != fresh)) return std::nullopt;
  if (length == 1 && std::ranges::none_of(s.args, is_list)) return std::vector{s};
  std::vector<CallSignature> calls(length, CallSignature{.op = s.op, .overload = s.overload});
  for (const Arg& a : s.args) {
    if (is_list(a) ? a.items.size() != length : a.kind == ArgKind::kTensor) return std::nullopt;
    for (size_t i = 0; i < length; ++i) {
      Arg item = is_list(a) ? a.items[i] : a;
      if (is_sum(s) && is_list(a)) item = {.kind = ArgKind::kList, .items = {std::move(item)}};
      calls[i].args.push_back(std::move(item));
    }
  }
  for (size_t i = 0; i < length; ++i) {
    if (fresh == 0) calls[i].results = s.results;
  }
  size_t at = 0;
  for (const Result& r : s.results) {
    if (is_fresh(r)) calls[at++].results = {r};
  }
  return calls;
}

}  // namespace moai::ops
