// Matching a call with the notation of its row.
#pragma once

#include <optional>
#include <span>

#include "moai/ops/sharding/form.h"
#include "moai/ops/sharding/notation.h"
#include "moai/ops/sharding/rule.h"

namespace moai::ops::sharding {

// Nothing where the call does not fit: other ranks, sizes that disagree, a tensor at "_".
std::optional<ShardingRule> match(const Form& form, const Notation& notation,
                                  std::span<const LinearGroup> linear);

}  // namespace moai::ops::sharding
