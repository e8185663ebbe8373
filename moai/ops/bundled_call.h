// Calls of `moai::` over lists: several that ranks make together as one, and back.
//
// "moai::all_gather(f32[2] s1, 0, [1,1], 0) -> f32[4]" twice is
// "moai::all_gather((f32[2], f32[2]), 0, ([1,1], [1,1]), 0) -> f32[4], f32[4]": tensors and lists
// of numbers become lists, all else must be the same. Lists of tensors (of sums in place) are
// joined. Operands are those of the first, then of the second, and so on; results likewise.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "moai/ops/call.h"

namespace moai::ops {

// Nothing where they differ in more than their tensors and lists of numbers, or there are none. One
// call is what it is.
std::optional<CallSignature> bundled_call(std::span<const CallSignature> calls);

// The calls that it is made of, of one operand or result each; a sum in place has a list of one.
// Nothing where its lists differ in length.
std::optional<std::vector<CallSignature>> unbundled_call(const CallSignature& s);

}  // namespace moai::ops
