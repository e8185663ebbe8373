// The tensors of a call, in the order in which it takes storages.
#pragma once

#include <vector>

#include "moai/ops/call.h"

namespace moai::ops {

// Calls `see` with every tensor of an argument, lists included.
template <class A, class See>
void each_tensor(A& arg, const See& see) {
  if (arg.kind == ArgKind::kTensor) see(arg);
  for (auto& item : arg.items) each_tensor(item, see);
}

// Calls `see` with every fresh result.
template <class R, class See>
void each_fresh(R& result, const See& see) {
  if (result.kind == ResultKind::kFresh) see(result);
  for (auto& item : result.items) each_fresh(item, see);
}

// Pointers into `s`.
template <class S>
auto tensor_operands(S& s) {
  std::vector<decltype(&s.args[0])> found;
  for (auto& arg : s.args) each_tensor(arg, [&](auto& a) { found.push_back(&a); });
  return found;
}
template <class S>
auto fresh_results(S& s) {
  std::vector<decltype(&s.results[0])> found;
  for (auto& result : s.results) each_fresh(result, [&](auto& r) { found.push_back(&r); });
  return found;
}

}  // namespace moai::ops
