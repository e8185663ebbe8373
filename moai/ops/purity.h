// What may be done with an operator's call besides running it as it stands, with nothing to tell.
//
// Of operators in their functional form: a call that writes an argument is not meant.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "moai/ops/call.h"

namespace moai::ops {

// Which of a call's words count as integers, in consumption order.
using WordKinds = std::vector<bool>;

// Whether a call has no effect but its results, draws nothing, and cannot fail for the values of
// its operands, nor for its words while each is_harmless(): nobody misses it when nobody reads its
// results. A call of this signature that fails for its shapes or types fails each time, and would
// have before. The kinds of its words, or nothing where that does not hold.
std::optional<WordKinds> if_total(const CallSignature& s);

// Whether a scalar fits every element type that a kernel may convert it to.
bool is_harmless(uint64_t word, bool is_integer);

// The call that computes the same bits into the memory of the first operand, which has the geometry
// of the only result. Its operands are those of `s`, and the first once more at the end where
// `repeats_operand`; it makes nothing. Nothing for operators that have no such form.
struct InPlaceCall {
  CallSignature signature{};
  bool repeats_operand = false;
};
std::optional<InPlaceCall> in_place_form(const CallSignature& s);

// Operators that in_place_form knows, with the overload that writes its `out` argument where there
// is no form with an underscore.
struct InPlaceRow {
  std::string_view op;
  std::string_view out_overload{};
};
std::span<const InPlaceRow> all_in_place_rows();
// Operators that if_total knows: "aten::add" is every overload of it, "aten::div.Tensor" the one.
std::span<const std::string_view> all_total_operators();

}  // namespace moai::ops
