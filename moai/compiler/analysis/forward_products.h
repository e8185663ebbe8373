// The products of the forward pass, told from those of the backward pass by dataflow alone.
//
// What a window began with (or made and keeps) meets a product first in the forward pass; the
// product of the backward pass that reads it again sums over other dimensions of it. Casts and
// other calls of one operand stand for what they read.
#pragma once

#include <vector>

#include "moai/compiler/analysis/dataflow.h"
#include "moai/compiler/analysis/factors.h"

namespace moai::compiler {

struct ForwardProducts {
  std::vector<bool> nodes{};     // by node
  std::vector<bool> operands{};  // by segment: sources that one of them reads
};

ForwardProducts forward_products(const Dataflow& flow, const Factors& factors);

}  // namespace moai::compiler
