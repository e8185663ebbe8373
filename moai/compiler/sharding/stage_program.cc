#include "moai/compiler/sharding/stage_program.h"

namespace moai::compiler {
namespace {

class Part {
 public:
  Part(const SpmdProgram& whole, uint32_t stage) : whole_(whole), stage_(stage) {
    out_.mesh = whole.mesh;
    out_.mesh.axes[0].size = 1;
    out_.registers = whole.registers;
    for (Register& r : out_.registers) r.placement[0] = replicated();
    for (RegisterId r = 0; r < whole.registers.size(); ++r) stands_for_.push_back(r);
  }

  SpmdProgram run() {
    for (const RegisterId r : whole_.inputs) {
      if (has(r)) out_.inputs.push_back(r);
    }
    for (const Step& step : whole_.steps) {
      const auto* c = std::get_if<CallStep>(&step);
      c ? call(*c) : move(std::get<MoveStep>(step));
    }
    for (const RegisterId r : whole_.outputs) {
      if (has(r)) out_.outputs.push_back(stands_for_[r]);
    }
    return std::move(out_);
  }

 private:
  const AxisPlacement& placement(RegisterId r) const { return whole_.registers[r].placement[0]; }
  bool has(RegisterId r) const { return !placement(r).at() || placement(r).place == stage_; }
  RegisterId here(RegisterId r) const { return r == kNone ? kNone : stands_for_[r]; }

  void call(const CallStep& c) {
    if (c.work[0].kind == AxisWork::Kind::kAt && c.work[0].part != stage_) return;
    CallStep mine = c;
    mine.work[0] = {};
    for (RegisterId& r : mine.operands) r = here(r);
    out_.steps.emplace_back(std::move(mine));
  }

  void move(const MoveStep& m) {
    MoveStep mine = m;
    mine.from = here(m.from);
    switch (m.kind) {
      case MoveKind::kTransfer:
        if (has(m.from)) {
          out_.steps.emplace_back(
              MoveStep{MoveKind::kSend, 0, mine.from, kNone, m.reader, placement(m.to).place});
        }
        if (has(m.to)) {
          out_.steps.emplace_back(
              MoveStep{MoveKind::kReceive, 0, kNone, m.to, m.reader, placement(m.from).place});
        }
        return;
      case MoveKind::kBroadcast:
        mine.peer = placement(m.from).place;
        if (has(m.from)) {
          stands_for_[m.to] = mine.from;
          mine.to = kNone;
        } else {
          mine.from = kNone;
        }
        break;
      case MoveKind::kKeep:
        if (has(m.to)) stands_for_[m.to] = mine.from;
        return;
      default:
        if (!has(m.from)) return;
    }
    out_.steps.emplace_back(mine);
  }

  const SpmdProgram& whole_;
  const uint32_t stage_;
  std::vector<RegisterId> stands_for_;  // by register
  SpmdProgram out_;
};

}  // namespace

SpmdProgram stage_program(const SpmdProgram& program, uint32_t stage) {
  return Part(program, stage).run();
}

}  // namespace moai::compiler
