// Arguments and results of calls that are made up, not recorded.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moai/ops/call.h"

namespace moai::ops {

inline Arg of_tensor(tensor::Geometry g, bool written = false) {
  return {.kind = ArgKind::kTensor, .written = written, .geometry = std::move(g)};
}
inline Arg of_bool(bool value) { return {.kind = ArgKind::kBool, .ints = {value}}; }
inline Arg of_int(int64_t value) { return {.kind = ArgKind::kInt, .ints = {value}}; }
inline Arg of_ints(std::vector<int64_t> values) {
  return {.kind = ArgKind::kIntList, .ints = std::move(values)};
}
inline Arg of_double(double value) { return {.kind = ArgKind::kDouble, .doubles = {value}}; }
inline Arg of_text(std::string_view text) {
  return {.kind = ArgKind::kString, .text = std::string(text)};
}
inline Result of_fresh(tensor::Geometry g) {
  return {.kind = ResultKind::kFresh, .geometry = std::move(g)};
}

}  // namespace moai::ops
