#include "moai/compiler/cost/rank_memory.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "moai/compiler/lower/local_layout.h"
#include "moai/compiler/lower/stage_lowering.h"

namespace moai::compiler::cost {
namespace {

class Begin {
 public:
  Begin(const Lowering& in, int rank, const StorageBytes& whole)
      : in_(in), rank_(rank), whole_(whole) {
    for (const graph::Node& n : in.window->nodes) {
      const auto ids = in.window->storages_of(n);
      if (n.kind == graph::NodeKind::kAlloc) made_.insert(ids[0]);
      if (n.kind == graph::NodeKind::kFree) released_.insert(ids[0]);
      if (n.kind == graph::NodeKind::kCall) used_.insert(ids.begin(), ids.end());
    }
    for (const Segment& s : in.graph->segments) {
      uint64_t& end = ends_[s.storage];
      end = std::max(end, end_of(s));
    }
    for (const RegisterId r : in.program->outputs) {
      const Segment& s = segment(r);
      if (!whole.contains(s.storage) && !s.shares_storage) left_.try_emplace(end_of(s), r);
    }
  }

  StorageBytes run() {
    StorageBytes begin;
    for (const RegisterId r : in_.program->inputs) {
      const graph::StorageId id = segment(r).storage;
      if (!made_.contains(id)) begin[id] = bytes(r, whole_size(id));
    }
    // What is overwritten before it is read lies as it does in the end.
    for (const RegisterId r : in_.program->outputs) {
      const graph::StorageId id = segment(r).storage;
      if (whole_.contains(id) && !made_.contains(id))
        begin.try_emplace(id, bytes(r, whole_.at(id)));
    }
    for (const auto& [id, size] : whole_) {
      if (made_.contains(id) || begin.contains(id)) continue;
      begin[id] = used_.contains(id) || !released_.contains(id) ? size : as_left(size);
    }
    return begin;
  }

 private:
  const Segment& segment(RegisterId r) const {
    return in_.graph->segments[in_.graph->values[in_.program->registers[r].value].segment];
  }
  // Where nobody says: as far as calls reach.
  uint64_t whole_size(graph::StorageId id) const {
    if (const auto found = whole_.find(id); found != whole_.end()) return found->second;
    const auto end = ends_.find(id);
    return end == ends_.end() ? 0 : end->second;
  }
  static uint64_t end_of(const Segment& s) {
    return static_cast<uint64_t>(s.begin + s.count) * tensor::dtype_size(s.dtype);
  }
  // Of the register's storage, which is `whole` bytes large where nothing splits it.
  uint64_t bytes(RegisterId r, uint64_t whole) const {
    const Register& reg = in_.program->registers[r];
    if (std::ranges::none_of(reg.placement, &AxisPlacement::split)) return whole;
    const SegmentId s = in_.graph->values[reg.value].segment;
    const LocalLayout layout(*in_.graph, *in_.factors, in_.program->mesh, s, reg.placement, rank_);
    return static_cast<uint64_t>(layout.count()) * tensor::dtype_size(segment(r).dtype);
  }
  uint64_t as_left(uint64_t size) const {
    const auto left = left_.find(size);
    return left == left_.end() ? size : bytes(left->second, size);
  }

  const Lowering& in_;
  const int rank_;
  const StorageBytes& whole_;
  std::unordered_set<graph::StorageId> made_, released_, used_;
  std::unordered_map<graph::StorageId, uint64_t> ends_;  // as far as calls reach
  std::unordered_map<uint64_t, RegisterId> left_;        // by size, what the window leaves
};

}  // namespace

StorageBytes rank_begin(const Lowering& in, int rank, const StorageBytes& whole) {
  const Mesh& mesh = in.program->mesh;
  if (mesh.stages() > 1) {
    const StageLowering stage(in, static_cast<uint32_t>(mesh.stage(rank)));
    StorageBytes here = whole;
    std::erase_if(here, [&](const auto& s) { return stage.lowering().absent.contains(s.first); });
    return rank_begin(stage.lowering(), rank % mesh.stage_ranks(), here);
  }
  return Begin(in, rank, whole).run();
}

}  // namespace moai::compiler::cost
