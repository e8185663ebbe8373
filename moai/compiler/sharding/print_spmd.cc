#include "moai/compiler/sharding/spmd.h"

namespace moai::compiler {
namespace {

constexpr std::string_view kMoveNames[] = {
    "slice",    "mask",      "all_gather", "all_to_all", "all_reduce", "reduce_scatter",
    "transfer", "broadcast", "keep",       "send",       "receive"};

class Printer {
 public:
  Printer(const ValueGraph& g, const SpmdProgram& p) : graph_(g), program_(p) {}

  std::string reg(RegisterId r) const {
    if (r == kNone) return "-";
    const Register& v = program_.registers[r];
    const Value& value = graph_.values[v.value];
    return "%" + std::to_string(r) + ":" + std::to_string(value.segment) + "." +
           std::to_string(value.version) + ":" + to_string(v.placement);
  }
  std::string step(const MoveStep& m) const {
    return reg(m.to) + " = " + std::string(name(m.kind)) + "[" + axis(m.axis) + "] " + reg(m.from) +
           (m.bundle == 0 ? "" : " #" + std::to_string(m.bundle));
  }
  std::string step(const CallStep& c) const {
    const ops::CallSignature& s = graph_.nodes[c.node].signature;
    std::string out;
    for (const RegisterId r : c.made) out += (out.empty() ? "" : ", ") + reg(r);
    out += " = " + s.op + (s.overload.empty() ? "" : "." + s.overload);
    for (const RegisterId r : c.operands) out += " " + reg(r);
    for (size_t a = 0; a < c.work.size(); ++a) out += work(a, c.work[a]);
    return out;
  }

 private:
  const std::string& axis(size_t a) const { return program_.mesh.axes[a].name; }
  std::string work(size_t a, const AxisWork& w) const {
    if (w.kind == AxisWork::Kind::kReplicated) return "";
    if (w.kind == AxisWork::Kind::kAt) return " | " + axis(a) + ": @" + std::to_string(w.part);
    if (w.kind == AxisWork::Kind::kLinear) return " | " + axis(a) + ": linear";
    return " | " + axis(a) + ": " + std::to_string(w.factor) + "." + std::to_string(w.part);
  }

  const ValueGraph& graph_;
  const SpmdProgram& program_;
};

}  // namespace

std::string_view name(MoveKind kind) { return kMoveNames[static_cast<size_t>(kind)]; }

std::string print(const ValueGraph& g, const SpmdProgram& p) {
  const Printer printer(g, p);
  std::string out;
  for (const Step& step : p.steps) {
    out += std::visit([&](const auto& s) { return printer.step(s); }, step) + "\n";
  }
  return out;
}

}  // namespace moai::compiler
