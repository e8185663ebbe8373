#include "moai/compiler/conformance/plans.h"

#include <random>
#include <set>

#include "moai/compiler/planner/plan_window.h"

namespace moai::compiler {
namespace {

constexpr graph::StorageId kFirstTemporary = 500000;

void split(LayoutPlan* p, SegmentId s, size_t axis, uint32_t place) {
  Placement& home = p->home.try_emplace(s, Placement(p->mesh.axes.size())).first->second;
  home[axis] = split_at(place);
}

}  // namespace

LayoutPlan whole_plan(const GoldenWindow& golden, const Analysed& w, std::vector<MeshAxis> axes) {
  LayoutPlan p{.mesh = {std::move(axes)}};
  p.policies.resize(p.mesh.axes.size());
  for (const SegmentId s : w.segments_of(golden.data)) {
    if (!w.factors.of(s).empty()) p.batch.push_back(w.factors.of(s)[0]);
  }
  return p;
}

LayoutPlan data_parallel(const GoldenWindow& golden, const Analysed& w, int ranks) {
  LayoutPlan p = whole_plan(golden, w, {{"dp", ranks}});
  for (const SegmentId s : w.segments_of(golden.data)) split(&p, s, 0, 0);
  return p;
}

LayoutPlan tensor_parallel(const GoldenWindow& golden, const Analysed& w, int ranks) {
  LayoutPlan p = whole_plan(golden, w, {{"tp", ranks}});
  p.policies[0].keeps = AxisPolicy::Keeps::kWeights;
  std::set<FactorId> chosen;
  for (const ValueId v : w.graph.inputs) {
    const std::vector<FactorId>& list = w.factors.of(w.graph.values[v].segment);
    if (list.size() == 4 && w.factors.size(list[0]) == 3) chosen.insert(list[1]);
    for (const FactorId f : list) {
      const int64_t size = w.factors.size(f);
      if (size == 64 || size == 36 || size == 24 || size == 10) chosen.insert(f);
    }
  }
  for (const ValueId v : w.graph.inputs) {
    const SegmentId s = w.graph.values[v].segment;
    const std::vector<FactorId>& list = w.factors.of(s);
    for (uint32_t place = 0; place < list.size(); ++place) {
      if (!chosen.contains(list[place])) continue;
      split(&p, s, 0, place);
      break;
    }
  }
  return p;
}

LayoutPlan split_context(const GoldenWindow& golden, const Analysed& w, int ranks) {
  const Roles roles = find_roles(w.graph, w.factors, golden.data);
  return layout(w.graph, w.factors, roles, TensorFactors(w.graph, w.factors, roles), {.cp = ranks});
}

LayoutPlan staged(const GoldenWindow& golden, const Analysed& w, int stages, int dp) {
  std::vector<MeshAxis> axes{{std::string(kStageAxis), stages}};
  if (dp > 1) axes.push_back({"dp", dp});
  LayoutPlan p = whole_plan(golden, w, std::move(axes));
  for (const SegmentId s : w.segments_of(golden.data)) {
    if (dp > 1) split(&p, s, 1, 0);
  }
  const StageInput in{
      .factors = &w.factors, .stages = stages, .homes = [](SegmentId) { return StageHome{}; }};
  assign_stages(w.graph, find_roles(w.graph, w.factors, golden.data), in, &p);
  return p;
}

LayoutPlan random_plan(const GoldenWindow& golden, const Analysed& w, unsigned seed) {
  std::mt19937 random(seed);
  const auto chance = [&](double p) {
    return std::uniform_real_distribution<double>(0, 1)(random) < p;
  };
  const std::vector<std::vector<MeshAxis>> meshes{{{"x", 2}}, {{"x", 3}}, {{"x", 2}, {"y", 3}}};
  LayoutPlan p = whole_plan(golden, w, meshes[seed % 3]);
  for (AxisPolicy& policy : p.policies) {
    if (chance(0.5)) policy.keeps = AxisPolicy::Keeps::kWeights;
    policy.scatters_gradients = chance(0.5);
  }
  for (const ValueId v : w.graph.inputs) {
    const SegmentId s = w.graph.values[v].segment;
    const std::vector<FactorId>& list = w.factors.of(s);
    std::vector<bool> taken(list.size());
    for (size_t a = 0; a < p.mesh.axes.size(); ++a) {
      if (list.empty() || !chance(0.6)) continue;
      const auto place = static_cast<uint32_t>(random() % list.size());
      if (taken[place] || w.factors.size(list[place]) < p.mesh.axes[a].size) continue;
      taken[place] = true;
      split(&p, s, a, place);
    }
  }
  if (chance(0.5)) p.regather = static_cast<NodeId>(random() % w.graph.nodes.size());
  for (AxisPolicy& policy : p.policies) {
    if (chance(0.3)) policy.scatters = p.batch;
  }
  return p;
}

std::shared_ptr<const Analysed> expanded(GoldenWindow* golden, const MakePlan& make) {
  WindowPlanner planner(golden->recorded->window, golden->data, kFirstTemporary,
                        &golden->signatures);
  const MakeLayout layout = [&](const Analysed& w, const Roles&) { return make(w); };
  return planner.plan(layout).analysed;
}

}  // namespace moai::compiler
