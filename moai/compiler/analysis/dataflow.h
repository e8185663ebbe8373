// Dataflow: who reads what, and what products cost, of a value graph.
#pragma once

#include <vector>

#include "moai/compiler/analysis/value_graph.h"

namespace moai::compiler {

struct Dataflow {
  // `g` must outlive it. Linear.
  explicit Dataflow(const ValueGraph& g);

  const ValueGraph& graph;
  std::vector<std::vector<NodeId>> readers{};  // by value, ascending, each once
  std::vector<std::vector<ValueId>> made{};    // by node: fresh results, then what is written
  std::vector<std::vector<ValueId>> read{};    // by node, each once
  std::vector<double> flops{};                 // by node, of products and attention
  std::vector<bool> input{};                   // by segment: there when the window began
  std::vector<bool> written{};                 // by segment: lives on and was written
};

}  // namespace moai::compiler
