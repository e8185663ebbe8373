#include "moai/compiler/sharding/stage_program.h"

#include <algorithm>
#include <map>

#include "moai/compiler/sharding/skipped_region.h"

namespace moai::compiler {
namespace {

class Part {
 public:
  Part(const ValueGraph& g, const SpmdProgram& whole, uint32_t stage)
      : graph_(g), whole_(whole), stage_(stage) {
    out_.mesh = whole.mesh;
    out_.overlaps = whole.overlaps;
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
    insert_sends();
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
    if (borders_region(graph_, c.node)) border_ = out_.steps.size();
  }

  void move(const MoveStep& m) {
    MoveStep mine = m;
    mine.from = here(m.from);
    switch (m.kind) {
      case MoveKind::kTransfer:
        if (has(m.from)) {
          sends_.push_back(
              {MoveKind::kSend, 0, mine.from, kNone, m.reader, placement(m.to).place, m.bundle});
          behind_border_.push_back(border_);
        }
        if (has(m.to)) {
          out_.steps.emplace_back(MoveStep{MoveKind::kReceive, 0, kNone, m.to, m.reader,
                                           placement(m.from).place, m.bundle});
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

  // Behind which step each register is made; 0: none.
  std::vector<size_t> made_behind() const {
    std::vector<size_t> behind(out_.registers.size(), 0);
    size_t end = 0;  // of the calls that are items of one
    for (size_t i = 0; i < out_.steps.size(); ++i) {
      if (const auto* c = std::get_if<CallStep>(&out_.steps[i])) {
        for (end = std::max(end, i + 1); end < out_.steps.size(); ++end) {
          const auto* next = std::get_if<CallStep>(&out_.steps[end]);
          if (!next || graph_.nodes[next->node].source != graph_.nodes[c->node].source) break;
        }
        for (const RegisterId r : c->made) {
          if (r != kNone) behind[r] = end;
        }
      } else if (const RegisterId r = std::get<MoveStep>(out_.steps[i]).to; r != kNone) {
        behind[r] = bundle_end(i);
      }
    }
    return behind;
  }
  size_t bundle_end(size_t i) const {
    const uint32_t bundle = std::get<MoveStep>(out_.steps[i++]).bundle;
    for (; bundle != 0 && i < out_.steps.size(); ++i) {
      const auto* next = std::get_if<MoveStep>(&out_.steps[i]);
      if (!next || next->bundle != bundle) break;
    }
    return i;
  }
  void insert_sends() {
    const std::vector<size_t> behind = made_behind();
    std::map<uint32_t, size_t> last;  // by peer
    std::vector<std::vector<const MoveStep*>> at(out_.steps.size() + 1);
    for (auto send = sends_.begin(); send != sends_.end();) {
      size_t& place = last[send->peer];
      const auto first = send;
      do {
        const auto index = static_cast<size_t>(send - sends_.begin());
        place = std::max({place, behind[send->from], behind_border_[index]});
        ++send;
      } while (send != sends_.end() && send->bundle != 0 && send->bundle == first->bundle);
      for (auto s = first; s != send; ++s) at[place].push_back(&*s);
    }
    std::vector<Step> steps;
    steps.reserve(out_.steps.size() + sends_.size());
    for (size_t i = 0; i <= out_.steps.size(); ++i) {
      for (const MoveStep* send : at[i]) steps.emplace_back(*send);
      if (i < out_.steps.size()) steps.push_back(std::move(out_.steps[i]));
    }
    out_.steps = std::move(steps);
  }

  const ValueGraph& graph_;
  const SpmdProgram& whole_;
  const uint32_t stage_;
  std::vector<RegisterId> stands_for_;  // by register
  std::vector<MoveStep> sends_;         // in the order in which they are received
  // Of each the step behind the last border of a region before it is received: what may be skipped
  // is sent where it may be skipped, too.
  std::vector<size_t> behind_border_;
  size_t border_ = 0;
  SpmdProgram out_;
};

}  // namespace

SpmdProgram stage_program(const ValueGraph& g, const SpmdProgram& program, uint32_t stage) {
  return Part(g, program, stage).run();
}

}  // namespace moai::compiler
