// The tensors of a node's call with what the graph and its rule say of each.
#pragma once

#include <vector>

#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

struct CallOperand {
  const ops::Arg* arg = nullptr;
  const Use* use = nullptr;
  const ops::FactorDims* dims = nullptr;
  bool filled = false;  // overwritten, and not read where it is
};
struct CallMade {
  const Use* use = nullptr;
  const tensor::Geometry* geometry = nullptr;
  const ops::FactorDims* dims = nullptr;
  uint32_t operand = kNone;  // that is written; kNone for a fresh result
};

struct CallTensors {
  CallTensors(const ValueNode& node, const NodeRule& rule);

  std::vector<CallOperand> operands{};
  std::vector<CallMade> made{};  // fresh results, then what is written, as CallStep::made
  // Whether the rule describes every tensor and dimension.
  bool complete = true;
};

}  // namespace moai::compiler
