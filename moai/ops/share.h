// Share: which part of a tensor a drawing call draws, so that all parts draw what the whole does.
//
// The numbers of most drawing operators belong to the elements of their first result (of what they
// write, where they make nothing). An element's place is a number in mixed radix, outermost digit
// first. In the part each digit runs from `begin` over `size` values, of the `whole` that there
// are. A call of a part says so in one more argument, after all others:
//
//   aten::uniform_(f32[2,3]! s1, word 0.0, word 1.0, generator 7:4, ("share", [8,3], [4,0], [2,3]))
//
// docs/design/017-sharded-drawing.md
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "moai/ops/call.h"

namespace moai::ops {

struct ShareDigit {
  int64_t whole = 1, begin = 0, size = 1;

  bool operator==(const ShareDigit&) const = default;
};

// Whether the call draws, and whether the numbers belong to elements as above.
bool draws(const CallSignature& s);
bool draws_by_element(const CallSignature& s);

// The argument for these digits; neighbours that are whole become one.
Arg of_share(std::span<const ShareDigit> digits);
// The last argument, if it is one.
const Arg* share_argument(const CallSignature& s);
// The digits of a call that has such an argument. Nothing when they are not those of a part as
// large as what is drawn, of a whole of at most 2^55 elements, or the call draws otherwise.
std::optional<std::vector<ShareDigit>> share_of(const CallSignature& s);

// The digits of a part of a part: `inner` are those of what the part `outer` holds. Nothing where
// no digits say it.
std::optional<std::vector<ShareDigit>> part_of_part(std::vector<ShareDigit> outer,
                                                    std::vector<ShareDigit> inner);

}  // namespace moai::ops
