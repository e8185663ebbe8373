// The local form of a call along an indexed factor: what a rank that has the positions
// [begin, begin + length) of a table gives the operator for pointers into the whole table.
//
// A pointer p within goes to p - begin. For the others:
//   kZeros    any position that is there; what they read is zero, and the results are partial sums
//   kDump     position `length`, of a table that is one longer; it is left out of the result again
//   kIgnored  the pointer that the operator ignores
#pragma once

#include <cstdint>
#include <optional>

#include "moai/ops/sharding/rule.h"

namespace moai::ops {

enum class Outside : uint8_t { kZeros, kDump, kIgnored };

struct IndexedForm {
  Outside outside = Outside::kZeros;
  uint16_t pointers = 0;  // the operand that holds them, in consumption order
  // An argument that is a pointer itself, and means none where it is -1.
  std::optional<uint16_t> position{};
  // The argument that says which pointer is ignored. Those equal to it are so on every rank.
  std::optional<uint16_t> ignored{};
  // Pointers below 0 count from the end of the whole table.
  bool from_the_end = false;

  bool operator==(const IndexedForm&) const = default;
};

// Nothing where `factor` is not indexed, or pointers into it are in no one operand.
std::optional<IndexedForm> indexed_form(const CallSignature& s, const ShardingRule& rule,
                                        FactorIndex factor);

}  // namespace moai::ops
