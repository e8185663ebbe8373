// Tensor-parallel factors: what splits weights, and with them products, at the least traffic.
//
// The hidden width of an MLP, heads, vocabulary: found by what a split would have the ranks reduce
// or gather for each FLOP that it saves, not by names or sizes. A product is split along one factor
// at most.
#pragma once

#include <vector>

#include "moai/compiler/analysis/dataflow.h"
#include "moai/compiler/analysis/roles.h"

namespace moai::compiler {

class TensorFactors {
 public:
  // All outlive it.
  TensorFactors(const ValueGraph& g, const Factors& factors, const Roles& roles);

  // For an axis of that many ranks, best first.
  std::vector<FactorId> choose(int ranks) const;

 private:
  struct Candidate {
    FactorId factor = kNone;
    double bytes = 0;  // that are reduced or gathered
    std::vector<NodeId> products{};
  };

  Candidate evaluate(FactorId f) const;

  const Factors& factors_;
  std::vector<double> flops_;  // by node
  std::vector<Candidate> candidates_;
  const Dataflow flow_;
  std::vector<std::vector<NodeId>> nodes_;  // by factor
};

}  // namespace moai::compiler
