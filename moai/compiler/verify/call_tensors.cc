#include "moai/compiler/verify/call_tensors.h"

#include "moai/ops/call_tensors.h"
#include "moai/ops/overwrites.h"

namespace moai::compiler {

CallTensors::CallTensors(const ValueNode& node, const NodeRule& rule) {
  const std::vector<const ops::Arg*> args = ops::tensor_operands(node.signature);
  const std::vector<const ops::Result*> results = ops::fresh_results(node.signature);
  const std::vector<bool> filled = ops::filled_operands(node.signature);
  complete = rule.rule.operands.size() == args.size();
  for (size_t i = 0; i < args.size() && complete; ++i) {
    operands.push_back({args[i], &node.operands[i], &rule.rule.operands[i], filled[i]});
    complete &= rule.rule.operands[i].size() == args[i]->geometry.sizes.size();
  }
  size_t next = 0;
  const auto add = [&](const Use& use, const tensor::Geometry& g, uint32_t operand) {
    complete &= next < rule.rule.results.size();
    if (!complete) return;
    made.push_back({&use, &g, &rule.rule.results[next], operand});
    complete &= rule.rule.results[next++].size() == g.sizes.size();
  };
  for (size_t i = 0; i < results.size(); ++i) add(node.results[i], results[i]->geometry, kNone);
  for (uint32_t i = 0; i < operands.size(); ++i) {
    if (args[i]->written) add(node.operands[i], args[i]->geometry, i);
  }
  complete &= rule.rule.partial.size() >= made.size();
}

}  // namespace moai::compiler
