// A mean loss over targets whose count does not wait for the predictions.
#pragma once

#include <optional>

#include "moai/ops/sharding/expansion.h"

namespace moai::ops {

// Of nll_loss with the mean: its second result, what targets weigh together, is computed from the
// targets (and the weights of classes) alone, so that all of a batch can be counted first and its
// backward pass then run in parts. Nothing for other calls.
std::optional<Expansion> counted_loss(const CallSignature& s);

}  // namespace moai::ops
