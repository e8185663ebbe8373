#include "moai/compiler/verify/report.h"

namespace moai::compiler {

Status fault(const std::string& where, const std::string& what) {
  return internal_error("[compiler.verify] " + where + ": " + what +
                        "; the program is not run: this is a bug of the compiler, report it");
}

std::string node_text(const ValueGraph& g, NodeId n) {
  if (n >= g.nodes.size()) return "the end";
  const ValueNode& node = g.nodes[n];
  const std::string& overload = node.signature.overload;
  return node.signature.op + (overload.empty() ? "" : "." + overload) + " @" +
         std::to_string(node.line);
}

std::string value_text(const ValueGraph& g, ValueId v) {
  if (v >= g.values.size()) return "none";
  return std::to_string(g.values[v].segment) + "." + std::to_string(g.values[v].version);
}

std::string register_text(const Lowering& in, RegisterId r) {
  if (r >= in.program->registers.size()) return "none";
  const Register& reg = in.program->registers[r];
  return value_text(*in.graph, reg.value) + " as " + to_string(reg.placement);
}

std::string step_text(const Lowering& in, size_t step) {
  const std::string text = "step " + std::to_string(step) + ", ";
  if (const auto* c = std::get_if<CallStep>(&in.program->steps[step])) {
    return text + node_text(*in.graph, c->node);
  }
  const MoveStep& m = std::get<MoveStep>(in.program->steps[step]);
  const std::vector<MeshAxis>& axes = in.program->mesh.axes;
  const std::string axis = m.axis < axes.size() ? axes[m.axis].name : "?";
  const std::string value = m.from < in.program->registers.size()
                                ? value_text(*in.graph, in.program->registers[m.from].value)
                                : "none";
  return text + std::string(name(m.kind)) + " of " + value + " over " + axis + " for " +
         node_text(*in.graph, m.reader);
}

}  // namespace moai::compiler
