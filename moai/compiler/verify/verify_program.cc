#include "moai/compiler/verify/verify_program.h"
#include "moai/compiler/sharding/skipped_region.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "moai/compiler/verify/placement_check.h"
#include "moai/compiler/verify/report.h"

namespace moai::compiler {
namespace {

class ProgramCheck {
 public:
  explicit ProgramCheck(const Lowering& in)
      : in_(in),
        graph_(*in.graph),
        program_(*in.program),
        state_(program_.registers.size()),
        done_(graph_.nodes.size()) {}

  Status run() {
    MOAI_RETURN_IF_ERROR(check_registers());
    MOAI_RETURN_IF_ERROR(inputs());
    for (at_ = 0; at_ < program_.steps.size(); ++at_) {
      const Step& step = program_.steps[at_];
      const auto* c = std::get_if<CallStep>(&step);
      MOAI_RETURN_IF_ERROR(c ? call(*c) : move(std::get<MoveStep>(step)));
    }
    const auto missing = std::ranges::find(done_, false);
    if (missing != done_.end()) {
      const auto n = static_cast<NodeId>(missing - done_.begin());
      return fault("node " + std::to_string(n) + ", " + node_text(graph_, n), "no step runs it");
    }
    MOAI_RETURN_IF_ERROR(outputs());
    return needless();
  }

 private:
  struct State {
    enum class Kind : uint8_t { kUnmade, kHeld, kOverwritten };
    Kind kind = Kind::kUnmade;
    bool read = false;
    size_t by = kNone;  // the step that made it; kNone for an input
  };

  Status wrong(const std::string& what) const { return fault(step_text(in_, at_), what); }

  Status check_registers() const {
    for (const MeshAxis& a : program_.mesh.axes) {
      if (a.size < 1) return fault("the mesh", "axis " + a.name + " has no ranks");
    }
    for (RegisterId r = 0; r < program_.registers.size(); ++r) {
      const std::string name = "register " + std::to_string(r);
      if (program_.registers[r].value >= graph_.values.size()) return fault(name, "no value");
      if (std::string what = placement_error(in_, r); !what.empty()) return fault(name, what);
    }
    return ok_status();
  }

  // With all that may lie in the same place.
  void overwrite(RegisterId r) {
    state_[r].kind = State::Kind::kOverwritten;
    const auto together = together_.find(r);
    if (together == together_.end()) return;
    for (const RegisterId other : *together->second) {
      state_[other].kind = State::Kind::kOverwritten;
    }
  }
  void join(RegisterId a, RegisterId b) {
    std::shared_ptr<std::vector<RegisterId>>& of_a = together_[a];
    if (!of_a) of_a = std::make_shared<std::vector<RegisterId>>(1, a);
    of_a->push_back(b);
    together_[b] = of_a;
  }

  std::string read_error(RegisterId r, ValueId wanted) {
    if (r >= state_.size()) return "there is no such register";
    const ValueId v = program_.registers[r].value;
    if (v != wanted) {
      return "it reads " + value_text(graph_, v) + ", the window " + value_text(graph_, wanted);
    }
    state_[r].read = true;
    if (state_[r].kind == State::Kind::kHeld) return {};
    const bool early = state_[r].kind == State::Kind::kUnmade;
    return register_text(in_, r) + (early ? " is read before it is made" : " was overwritten");
  }
  std::string made_error(RegisterId r, ValueId wanted) {
    if (r >= state_.size()) return "there is no such register";
    const ValueId v = program_.registers[r].value;
    if (v != wanted) return "it makes " + value_text(graph_, v);
    if (state_[r].kind != State::Kind::kUnmade) return register_text(in_, r) + " is made twice";
    state_[r] = {State::Kind::kHeld, false, at_};
    return {};
  }

  Status inputs() {
    at_ = kNone;
    if (program_.inputs.size() != graph_.inputs.size()) return fault("inputs", "others are named");
    for (size_t i = 0; i < program_.inputs.size(); ++i) {
      const RegisterId r = program_.inputs[i];
      std::string what = made_error(r, graph_.inputs[i]);
      if (what.empty() && is_partial(r)) what = "it begins partial";
      if (!what.empty()) return fault("input " + std::to_string(i), what);
    }
    return ok_status();
  }

  bool is_partial(RegisterId r) const {
    return std::ranges::any_of(program_.registers[r].placement, &AxisPlacement::partial);
  }

  Status call(const CallStep& step) {
    if (step.node >= done_.size() || done_[step.node]) return wrong("it runs a node again");
    done_[step.node] = true;
    const ValueNode& node = graph_.nodes[step.node];
    const CallTensors t(node, in_.factors->rule(step.node));
    if (!t.complete) return wrong("its rule does not describe it");
    if (step.work.size() != program_.mesh.axes.size() ||
        step.operands.size() != t.operands.size() || step.made.size() != t.made.size()) {
      return wrong("it has other axes or tensors than its node");
    }
    for (size_t i = 0; i < t.operands.size(); ++i) {
      const ValueId v = t.operands[i].use->value;
      if (v == kNone && step.operands[i] == kNone) continue;
      if (v == kNone) return wrong("it reads what the window does not read");
      const std::string what = read_error(step.operands[i], v);
      if (!what.empty()) return wrong("operand " + std::to_string(i) + ": " + what);
    }
    for (size_t j = 0; j < t.made.size(); ++j) {
      const uint32_t i = t.made[j].operand;
      const bool in_place = i != kNone && step.operands[i] != kNone;
      if (in_place) overwrite(step.operands[i]);
      const ValueId v = t.made[j].use->made;
      if (v == kNone && step.made[j] == kNone) continue;
      const std::string what = v == kNone ? "it makes nothing" : made_error(step.made[j], v);
      if (!what.empty()) return wrong("result " + std::to_string(j) + ": " + what);
    }
    const std::string what = call_placement_error(in_, step, t);
    return what.empty() ? ok_status() : wrong(what);
  }

  Status move(const MoveStep& m) {
    if (m.from >= state_.size()) return wrong("there is no such register");
    std::string what = read_error(m.from, program_.registers[m.from].value);
    if (what.empty() && m.to >= state_.size()) what = "there is no such register";
    if (what.empty()) what = move_error(in_, m);
    // A sum is made in place.
    if (m.kind == MoveKind::kAllReduce) overwrite(m.from);
    if (what.empty()) what = made_error(m.to, program_.registers[m.to].value);
    // Stages that have the value already use it where it is.
    const bool shares = m.kind == MoveKind::kKeep || m.kind == MoveKind::kBroadcast;
    if (what.empty() && shares) join(m.from, m.to);
    return what.empty() ? ok_status() : wrong(what);
  }

  Status outputs() {
    if (program_.outputs.size() != graph_.outputs.size()) {
      return fault("outputs", "others are named");
    }
    std::vector<RegisterId> began(graph_.segments.size(), kNone);
    for (const RegisterId r : program_.inputs) {
      began[graph_.values[program_.registers[r].value].segment] = r;
    }
    for (size_t i = 0; i < program_.outputs.size(); ++i) {
      const RegisterId r = program_.outputs[i];
      std::string what = read_error(r, graph_.outputs[i]);
      if (what.empty() && is_partial(r)) what = register_text(in_, r) + " is left unresolved";
      if (what.empty()) {
        const SegmentId segment = graph_.values[graph_.outputs[i]].segment;
        const RegisterId home = began[segment];
        const auto existing = in_.existing.find(segment);
        if (existing != in_.existing.end() && existing->second != placement(r)) {
          what = register_text(in_, r) + " existed as " + to_string(existing->second);
        }
        if (home != kNone && placement(home) != placement(r)) {
          what = register_text(in_, r) + " began as " + to_string(placement(home));
        }
      }
      if (!what.empty()) return fault("output " + std::to_string(i), what);
    }
    return ok_status();
  }

  const Placement& placement(RegisterId r) const { return program_.registers[r].placement; }

  // A move whose result nobody reads.
  Status needless() {
    for (RegisterId r = 0; r < state_.size(); ++r) {
      const State& s = state_[r];
      if (s.read || s.by == kNone) continue;
      const auto* move = std::get_if<MoveStep>(&program_.steps[s.by]);
      // What is brought home before a region that may be skipped may be replaced in it.
      if (!move || (move->reader != kNone && borders_region(graph_, move->reader))) continue;
      at_ = s.by;
      return wrong("nobody reads what it makes");
    }
    return ok_status();
  }

  const Lowering& in_;
  const ValueGraph& graph_;
  const SpmdProgram& program_;
  std::vector<State> state_;  // by register
  // Registers that stages have in one place, shared among them.
  std::unordered_map<RegisterId, std::shared_ptr<std::vector<RegisterId>>> together_;
  std::vector<bool> done_;  // by node
  size_t at_ = kNone;
};

}  // namespace

Status verify_program(const Lowering& in) { return ProgramCheck(in).run(); }

}  // namespace moai::compiler
