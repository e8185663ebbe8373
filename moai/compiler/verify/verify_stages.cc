#include "moai/compiler/verify/verify_stages.h"

#include <algorithm>
#include <deque>
#include <map>

#include "moai/compiler/verify/report.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

// ---- programs

class Parts {
 public:
  Parts(const Lowering& in, std::span<const SpmdProgram* const> parts)
      : in_(in),
        program_(*in.program),
        parts_(parts),
        next_(parts.size()),
        sent_(parts.size()),
        wanted_(parts.size()) {
    for (const SpmdProgram* part : parts) {
      const size_t n = part->registers.size();
      stands_for_.emplace_back(n);
      for (RegisterId r = 0; r < n; ++r) stands_for_.back()[r] = r;
    }
  }

  Status run() {
    if (parts_.size() != static_cast<size_t>(program_.mesh.stages())) {
      return fault("the stages", "there are others than the mesh has");
    }
    for (uint32_t s = 0; s < parts_.size(); ++s) {
      if (!same(s, program_.inputs, parts_[s]->inputs)) return wrong(s, "it begins with others");
    }
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      for (uint32_t s = 0; s < parts_.size(); ++s) {
        if (!takes(s, program_.steps[i])) return wrong(s, step_text(in_, i) + " is not done so");
      }
    }
    for (uint32_t s = 0; s < parts_.size(); ++s) {
      if (next(s)) return wrong(s, "it has more steps");
      if (sent_[s] != wanted_[s]) return wrong(s, "it sends otherwise than others receive");
      if (!same(s, program_.outputs, parts_[s]->outputs)) return wrong(s, "it leaves others");
    }
    return ok_status();
  }

 private:
  static Status wrong(uint32_t stage, const std::string& what) {
    return fault("stage " + std::to_string(stage), what);
  }
  const AxisPlacement& place(RegisterId r) const { return program_.registers[r].placement[0]; }
  bool is_here(uint32_t s, RegisterId r) const { return !place(r).at() || place(r).place == s; }
  RegisterId here(uint32_t s, RegisterId r) const { return r == kNone ? kNone : stands_for_[s][r]; }

  bool same(uint32_t s, const std::vector<RegisterId>& all,
            const std::vector<RegisterId>& mine) const {
    std::vector<RegisterId> wanted;
    for (const RegisterId r : all) {
      if (is_here(s, r)) wanted.push_back(here(s, r));
    }
    return wanted == mine;
  }

  // What is sent by the way is noted.
  const Step* next(uint32_t s) {
    while (next_[s] < parts_[s]->steps.size()) {
      const Step& step = parts_[s]->steps[next_[s]++];
      const auto* m = std::get_if<MoveStep>(&step);
      if (!m || m->kind != MoveKind::kSend) return &step;
      sent_[s][m->axis == 0 ? m->peer : kNone].push_back(m->from);
    }
    return nullptr;
  }

  // Whether the stage does its part of the step, which may be nothing.
  bool takes(uint32_t s, const Step& step) {
    if (const auto* c = std::get_if<CallStep>(&step)) return takes_call(s, *c);
    const auto& m = std::get<MoveStep>(step);
    if (m.axis != 0) {
      MoveStep wanted = m;
      wanted.from = here(s, m.from);
      return !is_here(s, m.from) || takes_move(s, wanted);
    }
    const MoveStep from{MoveKind::kBroadcast, 0, here(s, m.from), kNone, m.reader,
                        place(m.from).place};
    const MoveStep to{MoveKind::kBroadcast, 0, kNone, m.to, m.reader, place(m.from).place};
    if (m.kind == MoveKind::kTransfer) {
      if (is_here(s, m.from)) wanted_[s][place(m.to).place].push_back(from.from);
      MoveStep receive = to;
      receive.kind = MoveKind::kReceive;
      return !is_here(s, m.to) || takes_move(s, receive);
    }
    const bool has = is_here(s, m.from);
    if (has && is_here(s, m.to)) stands_for_[s][m.to] = from.from;
    return m.kind == MoveKind::kKeep || takes_move(s, has ? from : to);
  }
  bool takes_move(uint32_t s, const MoveStep& wanted) {
    const Step* step = next(s);
    const auto* m = step ? std::get_if<MoveStep>(step) : nullptr;
    return m && m->kind == wanted.kind && m->axis == wanted.axis && m->from == wanted.from &&
           m->to == wanted.to && m->peer == wanted.peer;
  }
  bool takes_call(uint32_t s, const CallStep& c) {
    if (c.work[0].kind == AxisWork::Kind::kAt && c.work[0].part != s) return true;
    const Step* step = next(s);
    const auto* mine = step ? std::get_if<CallStep>(step) : nullptr;
    if (!mine || mine->node != c.node || mine->made != c.made || mine->work.size() != c.work.size())
      return false;
    for (size_t a = 1; a < c.work.size(); ++a) {
      if (mine->work[a] != c.work[a]) return false;
    }
    return std::ranges::equal(mine->operands, c.operands,
                              [&](RegisterId m, RegisterId r) { return m == here(s, r); });
  }

  const Lowering& in_;
  const SpmdProgram& program_;
  const std::span<const SpmdProgram* const> parts_;
  using Sent = std::map<uint32_t, std::vector<RegisterId>>;  // by the stage that it goes to
  std::vector<size_t> next_;                                 // by stage
  std::vector<Sent> sent_, wanted_;                          // by stage
  std::vector<std::vector<RegisterId>> stands_for_;          // by stage and register
};

// ---- meetings

// A call that ranks of several stages make together.
struct Meeting {
  enum class Kind : uint8_t { kSend, kReceive, kBroadcast };
  Kind kind = Kind::kSend;
  int64_t peer = 0;
  std::vector<int64_t> bytes{};  // by item
};

std::vector<Meeting> meetings(const graph::Window& w, const graph::SignatureTable& signatures) {
  std::vector<Meeting> found;
  for (const graph::Node& n : w.nodes) {
    if (n.kind != graph::NodeKind::kCall) continue;
    const ops::CallSignature& s = signatures.at(n.signature).signature();
    Meeting m;
    if (s.op == "moai::receive") {
      m.kind = Meeting::Kind::kReceive;
    } else if (s.op == "moai::broadcast") {
      m.kind = Meeting::Kind::kBroadcast;
    } else if (s.op != "moai::send") {
      continue;
    }
    if (s.args.size() < 2) continue;
    m.peer = s.args[s.args.size() - 2].ints[0];
    const auto size = [&](const tensor::Geometry& g) {
      m.bytes.push_back(tensor::element_count(g) *
                        static_cast<int64_t>(tensor::dtype_size(g.dtype)));
    };
    for (const ops::Arg* a : ops::tensor_operands(s)) size(a->geometry);
    for (const ops::Result* r : ops::fresh_results(s)) size(r->geometry);
    found.push_back(std::move(m));
  }
  return found;
}

class Play {
 public:
  Play(std::span<const graph::Window* const> ranks, const graph::SignatureTable& signatures) {
    for (const graph::Window* w : ranks) lists_.push_back(meetings(*w, signatures));
    at_.resize(ranks.size());
  }

  Status run() {
    while (step()) {
    }
    for (size_t s = 0; s < lists_.size(); ++s) {
      if (!wrong_.ok()) return wrong_;
      if (const Meeting* m = next(s)) return stuck(s, *m);
    }
    for (const auto& [stages, mail] : mail_) {
      if (!mail.empty()) {
        return fault("stage " + std::to_string(stages.second),
                     "what stage " + std::to_string(stages.first) + " sends it does not take");
      }
    }
    return ok_status();
  }

 private:
  using Kind = Meeting::Kind;
  const Meeting* next(size_t s) const {
    return at_[s] < lists_[s].size() ? &lists_[s][at_[s]] : nullptr;
  }
  Status stuck(size_t s, const Meeting& m) const {
    constexpr std::string_view kWaits[] = {"sends to", "receives from", "broadcasts from"};
    return fault("stage " + std::to_string(s),
                 "it " + std::string(kWaits[static_cast<size_t>(m.kind)]) + " stage " +
                     std::to_string(m.peer) + " as number " + std::to_string(at_[s]) +
                     " of what it does with others, where nobody meets it");
  }
  using Bytes = std::vector<int64_t>;
  static std::string text_of(const Bytes& bytes) {
    std::string text;
    for (const int64_t n : bytes) text += (text.empty() ? "" : " and ") + std::to_string(n);
    return text;
  }
  bool wrong(size_t s, const Bytes& wants, const Bytes& comes) {
    if (wants == comes) return false;
    wrong_ = fault("stage " + std::to_string(s),
                   "it takes " + text_of(wants) + " bytes where " + text_of(comes) + " come");
    return true;
  }

  // One call of a stage that can make it.
  bool step() {
    for (size_t s = 0; s < lists_.size(); ++s) {
      const Meeting* m = next(s);
      if (!m || m->kind == Kind::kBroadcast || m->peer < 0) continue;
      const auto peer = static_cast<size_t>(m->peer);
      if (peer >= lists_.size() || peer == s) continue;
      if (m->kind == Kind::kSend) {
        mail_[{s, peer}].push_back(m->bytes);
      } else {
        std::deque<Bytes>& mail = mail_[{peer, s}];
        if (mail.empty()) continue;
        if (wrong(s, m->bytes, mail.front())) return false;
        mail.pop_front();
      }
      ++at_[s];
      return true;
    }
    return broadcast();
  }
  bool broadcast() {
    for (size_t s = 0; s < lists_.size(); ++s) {
      const Meeting* m = next(s);
      if (!m || m->kind != Kind::kBroadcast || m->peer != next(0)->peer) return false;
      if (wrong(s, m->bytes, next(0)->bytes)) return false;
    }
    for (size_t& at : at_) ++at;
    return !at_.empty();
  }

  std::map<std::pair<size_t, size_t>, std::deque<Bytes>> mail_;  // by stages from and to
  std::vector<std::vector<Meeting>> lists_;                      // by stage
  std::vector<size_t> at_;
  Status wrong_;
};

}  // namespace

Status verify_stage_programs(const Lowering& in, std::span<const SpmdProgram* const> parts) {
  return Parts(in, parts).run();
}

Status verify_meetings(std::span<const graph::Window* const> ranks,
                       const graph::SignatureTable& signatures) {
  return Play(ranks, signatures).run();
}

}  // namespace moai::compiler
