// FactorTouch: what a call does with a factor of the window.
#pragma once

#include <vector>

#include "moai/compiler/analysis/factors.h"

namespace moai::compiler {

struct FactorTouch {
  enum class Kind : uint8_t {
    kParallel,  // can be split, and its results that have it are
    kReduced,   // can be split; results without it may be partial
    kIndexed,   // a table that is pointed at
    kFrozen,    // every rank needs all of it
    kTwice,     // two dimensions run through it, of which one can be split
    kHidden,    // an operand has it and the call sees a part of it alone
  };
  Kind kind = Kind::kHidden;
  ops::FactorIndex rule_factor = 0;  // of the rule, unless hidden

  bool splits() const {
    return kind == Kind::kParallel || kind == Kind::kReduced || kind == Kind::kIndexed;
  }
};

// `n` uses a segment that has the factor.
FactorTouch factor_touch(const ValueGraph& g, const Factors& factors, NodeId n, FactorId f);

// For each factor, the nodes that use a segment that has it, ascending.
std::vector<std::vector<NodeId>> nodes_by_factor(const ValueGraph& g, const Factors& factors);

bool has_factor(const Factors& factors, SegmentId s, FactorId f);
double segment_bytes(const ValueGraph& g, SegmentId s);

}  // namespace moai::compiler
