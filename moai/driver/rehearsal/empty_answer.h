// What a rehearsal answers where shapes or decisions depend on values: nothing was found.
#pragma once

#include <optional>
#include <vector>

#include "moai/dispatch/messages.h"
#include "moai/ops/call.h"

namespace moai::driver {

// As if the call had been given zeros and falses: a mask selects no element, nothing is unique or
// counted, a decision is false. One value for each result of the operator, without storages, which
// those with elements need; nothing for an operator whose answer is not known.
std::optional<std::vector<dispatch::Value>> empty_answer(const ops::CallSignature& s);

}  // namespace moai::driver
