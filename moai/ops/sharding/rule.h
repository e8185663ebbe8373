// ShardingRule: how the dimensions of one operator's call are tied together.
//
// In factor notation: every dimension of every operand and result is a list of factors, outermost
// first; a factor that stands in several places is the same index running through all of them. A
// matrix product is "m k, k n -> m n" with k summed; a reshape of [6, 4] to [2, 12] is
// "(a b) c -> a (b c)" with sizes 2, 3, 4. Dimensions of size 1 have no factor; one of size 0 has a
// frozen factor of size 0.
//
// A factor that is split over ranks is split in every operand and result in which it stands; a
// result in which a reduced factor does not stand is then partial. A factor that is split changes
// nothing else in the call but sizes (`sizes`), and what it points at (kIndexed).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "moai/ops/call.h"
#include "moai/tensor/reduction.h"

namespace moai::ops {

using tensor::Reduction;

enum class FactorKind : uint8_t {
  kParallel,  // each index is computed by itself
  kReduced,   // results without it are partial (`reduction`)
  kFrozen,    // may not be split: every rank needs all of it
  kIndexed,   // positions of a table that others point at: split, pointers outside are skipped
};

struct RuleFactor {
  int64_t size = 1;
  FactorKind kind = FactorKind::kParallel;
  Reduction reduction = Reduction::kSum;  // of kReduced, and of kIndexed where results lack it

  bool operator==(const RuleFactor&) const = default;
};

using FactorIndex = uint16_t;
// For each dimension its factors, outermost first; their sizes multiply to the dimension's. A
// dimension of size 1 that is broadcast against a larger one has none, like any of size 1.
using FactorDims = std::vector<std::vector<FactorIndex>>;

// A Partial of `reduction` passes from these operands, all of them together, to every result. The
// other operands are then whole: of mul(x, x), which passes it from either, neither may be partial.
struct LinearOperands {
  Reduction reduction = Reduction::kSum;
  std::vector<uint16_t> operands{};  // in consumption order

  bool operator==(const LinearOperands&) const = default;
};

// An argument that states a size: its value is the product of `factors`, on a rank of what it has
// of them.
struct SizeArgument {
  uint16_t argument = 0;
  int16_t item = -1;  // of an int list; -1: the argument itself
  std::vector<FactorIndex> factors{};

  bool operator==(const SizeArgument&) const = default;
};

// A written operand in which the call reduces what is there with what it finds elsewhere: where a
// split makes its result partial, it may be so before.
struct AccumulatingOperand {
  Reduction reduction = Reduction::kSum;
  uint16_t operand = 0;  // in consumption order

  bool operator==(const AccumulatingOperand&) const = default;
};

struct ShardingRule {
  std::vector<RuleFactor> factors{};
  std::vector<FactorDims> operands{};  // in consumption order, those that are written included
  // Fresh results in consumption order, then what the call writes, in the order of its operands.
  std::vector<FactorDims> results{};
  // For each result, the reduced and indexed factors over which it is partial when they are split.
  // A result that lacks such a factor and does not list it here is the same on every rank.
  std::vector<std::vector<FactorIndex>> partial{};
  std::vector<LinearOperands> linear{};
  std::vector<AccumulatingOperand> accumulating{};
  std::vector<SizeArgument> sizes{};
  // Words (in consumption order) without whose values the rule would be another: the order of a
  // norm, the fill of a mask. A window that is run with another value needs its rules anew.
  std::vector<uint32_t> assumed_words{};

  bool operator==(const ShardingRule&) const = default;
};

// The rule of a call; nothing for an operator without one, whose call every rank runs whole.
// In-place forms, forms with `out` and operators over lists of one are those of their base. Without
// `words`, rules that rest on one are more frozen than they need be.
std::optional<ShardingRule> sharding_rule(const CallSignature& s,
                                          std::span<const uint64_t> words = {});

}  // namespace moai::ops
