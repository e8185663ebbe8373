// Text of a rule, for tests and reports:
//
//   "a b, b c -> a c; a=2 b=3+ c=4; partial 0:b; linear +0 +1"
//
// Factors are letters in the order in which they first stand, then their sizes with the marks of
// notation.h; results that are partial with the factors; operands a Partial passes from; arguments
// that state sizes ("size 2=a", "size 1.0=a" of a list); words the rule rests on ("word 0").
#pragma once

#include <string>

#include "moai/ops/sharding/rule.h"

namespace moai::ops {

std::string to_string(const ShardingRule& rule);

}  // namespace moai::ops
