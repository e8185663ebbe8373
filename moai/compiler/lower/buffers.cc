#include "moai/compiler/lower/buffers.h"

#include <algorithm>

#include "moai/compiler/sharding/strategies.h"

namespace moai::compiler {

Buffers::Buffers(const Lowering& in, graph::StorageId first_temporary)
    : in_(in), next_(first_temporary), by_register_(in.program->registers.size(), kNone) {
  for (const graph::Node& n : in.window->nodes) {
    const auto ids = in.window->storages_of(n);
    if (n.kind == graph::NodeKind::kAlloc) allocated_[ids[0]] = in.window->words_of(n)[0];
    if (n.kind == graph::NodeKind::kResize && allocated_.contains(ids[0])) {
      uint64_t& bytes = allocated_[ids[0]];
      bytes = std::max(bytes, in.window->words_of(n)[0]);
    }
    if (n.kind == graph::NodeKind::kFree) released_.insert(ids[0]);
  }
  home_ = in.existing;
  for (const RegisterId r : in.program->inputs) {
    home_[segment(r)] = in.program->registers[r].placement;
    set(r, own(segment(r), in.program->registers[r].placement));
  }
  for (const RegisterId r : in.program->outputs) {
    if (in.graph->segments[segment(r)].shares_storage) continue;
    home_.try_emplace(segment(r), in.program->registers[r].placement);
  }
  for (uint32_t i = 0; i < in.program->steps.size(); ++i) {
    const Step& step = in.program->steps[i];
    if (const auto* c = std::get_if<CallStep>(&step)) {
      call(*c);
      for (const RegisterId r : c->operands) use(r, i);
      for (const RegisterId r : c->made) use(r, i);
    } else {
      const MoveStep& m = std::get<MoveStep>(step);
      move(m);
      use(m.from, i);
      use(m.to, i);
    }
  }
  const auto end = static_cast<uint32_t>(in.program->steps.size());
  for (const RegisterId r : in.program->outputs) use(r, end);
  plan_releases(end);
}

SegmentId Buffers::segment(RegisterId r) const {
  return in_.graph->values[in_.program->registers[r].value].segment;
}

uint64_t Buffers::allocated_bytes(graph::StorageId storage) const {
  const auto found = allocated_.find(storage);
  return found == allocated_.end() ? 0 : found->second;
}

bool Buffers::has_own(graph::StorageId storage) const {
  const auto found = own_.lower_bound({storage, 0});
  return found != own_.end() && found->first.first == storage;
}

void Buffers::use(RegisterId r, uint32_t step) {
  if (r != kNone) last_use_[buffers_[by_register_[r]].storage] = step;
}

void Buffers::plan_releases(uint32_t end) {
  released_after_.resize(end + 1);
  std::set<graph::StorageId> ends = released_;
  for (const RankBuffer& b : buffers_) {
    if (b.temporary) ends.insert(b.storage);
  }
  for (const graph::StorageId id : ends) {
    const auto used = last_use_.find(id);
    (used == last_use_.end() ? released_first_ : released_after_[used->second]).push_back(id);
  }
}

// The buffer under the storage's own id. What is split begins at its first element.
BufferId Buffers::own(SegmentId segment, const Placement& p) {
  const Segment& s = in_.graph->segments[segment];
  const bool whole = std::ranges::none_of(p, &AxisPlacement::split);
  const auto key = std::pair(s.storage, s.begin);
  const auto [found, is_new] = own_.try_emplace(key, static_cast<BufferId>(buffers_.size()));
  if (is_new) {
    buffers_.push_back({s.storage, whole && !s.opaque ? s.begin : 0, false});
  }
  return found->second;
}

BufferId Buffers::temporary() {
  buffers_.push_back({next_++, 0, true});
  return static_cast<BufferId>(buffers_.size() - 1);
}

// Whether the storage's own buffer has, or may get, this placement.
bool Buffers::is_home(SegmentId segment, const Placement& p) const {
  const auto found = home_.find(segment);
  if (found != home_.end()) return found->second == resolved(p);
  const Segment& s = in_.graph->segments[segment];
  if (in_.absent.contains(s.storage)) return false;
  if (s.shares_storage) return std::ranges::none_of(p, &AxisPlacement::split);
  return allocated_.contains(s.storage) || std::ranges::none_of(p, &AxisPlacement::split);
}

// Whether there is a buffer under the storage's own id by now.
bool Buffers::exists(SegmentId segment) const {
  const Segment& s = in_.graph->segments[segment];
  return !results_.contains(s.storage) || own_.contains({s.storage, s.begin});
}

bool Buffers::ends_elsewhere(SegmentId segment, const Placement& p) const {
  const auto found = home_.find(segment);
  if (found == home_.end()) return false;
  for (size_t a = 0; a < p.size(); ++a) {
    if (p[a] != found->second[a] && (p[a].split() || found->second[a].split())) return true;
  }
  return false;
}

void Buffers::call(const CallStep& step) {
  const ValueNode& n = in_.graph->nodes[step.node];
  for (size_t i = 0; i < n.results.size(); ++i) {
    const RegisterId r = step.made[i];
    if (r == kNone) continue;
    const Placement& p = in_.program->registers[r].placement;
    results_.insert(in_.graph->segments[segment(r)].storage);
    home_.try_emplace(segment(r), resolved(p));
    set(r, ends_elsewhere(segment(r), p) ? temporary() : own(segment(r), p));
  }
  size_t at = n.results.size();
  const std::vector<const Use*> made = made_uses(n);
  for (size_t i = 0; i < n.operands.size(); ++i) {
    if (at >= made.size() || made[at] != &n.operands[i]) continue;
    const RegisterId r = step.made[at++];
    if (r == kNone) continue;
    if (step.operands[i] != kNone) {
      set(r, by_register_[step.operands[i]]);
      continue;
    }
    const Placement& p = in_.program->registers[r].placement;
    if (!is_home(segment(r), p) || !exists(segment(r))) {
      set(r, temporary());
      continue;
    }
    home_.try_emplace(segment(r), resolved(p));
    set(r, own(segment(r), p));
  }
}

void Buffers::move(const MoveStep& step) {
  if (step.to == kNone) return;  // another stage has it
  set(step.to, step.kind == MoveKind::kAllReduce ? by_register_[step.from] : temporary());
}

}  // namespace moai::compiler
