#include "moai/compiler/planner/weight_layout.h"

#include <algorithm>
#include <map>

#include "moai/compiler/lower/local_layout.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

class Collect {
 public:
  explicit Collect(const PlannedWindow& planned)
      : planned_(planned), graph_(planned.analysed->graph) {}

  std::vector<WeightLayout> run() {
    for (NodeId id = 0; id < graph_.nodes.size(); ++id) {
      const ValueNode& n = graph_.nodes[id];
      size_t at = 0;
      for (const ops::Arg* a : ops::tensor_operands(n.signature)) {
        see(id, n.operands[at++], a->geometry, a->written);
      }
    }
    return std::move(layouts_);
  }

 private:
  // Where it is updated a weight has the shape that the script gave it.
  void see(NodeId id, const Use& use, const tensor::Geometry& g, bool written) {
    const ValueId v = use.value != kNone ? use.value : use.made;
    if (v == kNone) return;
    const SegmentId s = graph_.values[v].segment;
    const Role role = planned_.roles.segments[s];
    if (role != Role::kParameter && role != Role::kBuffer) return;
    const auto [found, is_new] = index_.try_emplace(s, layouts_.size());
    if (is_new) layouts_.push_back({.line = graph_.nodes[id].line});
    WeightLayout& layout = layouts_[found->second];
    if (!is_new && !(written && planned_.roles.nodes[id] == Slice::kOptimizer)) return;
    layout.dtype = g.dtype;
    layout.whole = g.sizes;
    layout.part = part(s, use, g);
  }
  std::vector<int64_t> part(SegmentId s, const Use& use, const tensor::Geometry& g) const {
    const auto home = planned_.plan.home.find(s);
    if (home == planned_.plan.home.end() || graph_.segments[s].shares_storage) return g.sizes;
    return LocalLayout(graph_, planned_.analysed->factors, planned_.plan.mesh, s, home->second, 0)
        .geometry(use, g)
        .sizes;
  }

  const PlannedWindow& planned_;
  const ValueGraph& graph_;
  std::map<SegmentId, size_t> index_;
  std::vector<WeightLayout> layouts_;
};

}  // namespace

std::vector<WeightLayout> weight_layouts(const PlannedWindow& planned) {
  return Collect(planned).run();
}

}  // namespace moai::compiler
