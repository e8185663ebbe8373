// Exchanges that go on beside calls: a start and a wait in place of one call of `moai::`.
//
// "moai::all_gather(f32[4] s1, 0, [4,4], 0) -> f32[8]" becomes
// "moai::all_gather.start(f32[4] s1, 0, [4,4], 0) -> f32[8]", which makes s9, and later
// "moai::wait((f32[8]! s9), 0) -> _". In between nobody touches what it makes, nor writes or frees
// what it reads.
#pragma once

#include <vector>

#include "moai/ops/call.h"

namespace moai::ops {

// Whether there is a start of it: sums, gathers, reduce-scatters and all-to-alls.
bool can_start(const CallSignature& s);
bool is_start(const CallSignature& s);
bool is_wait(const CallSignature& s);

// Of a call that can be started.
CallSignature start_of(const CallSignature& s);
// The call that a start is half of; any other is what it is.
CallSignature whole_of(CallSignature s);
// Of a start or of the whole call. Its operands are what that one makes, in order.
CallSignature wait_of(const CallSignature& s);

// What it makes are its operands, which it changes; else they are its fresh results.
bool makes_in_place(const CallSignature& s);

}  // namespace moai::ops
