// Plans for recorded windows: data parallel, tensor parallel and random ones.
#pragma once

#include <functional>
#include <memory>

#include "moai/compiler/conformance/golden_window.h"
#include "moai/compiler/sharding/policy.h"

namespace moai::compiler {

using MakePlan = std::function<LayoutPlan(const Analysed&)>;

// Nothing is split. `golden` outlives none of these: windows are the recorded one, or one that
// computes the same.
LayoutPlan whole_plan(const GoldenWindow& golden, const Analysed& w, std::vector<MeshAxis> axes);
LayoutPlan data_parallel(const GoldenWindow& golden, const Analysed& w, int ranks);
// Heads (of the fused projection), hidden width and vocabulary split, with everything that has
// these factors; nothing of a window without any.
LayoutPlan tensor_parallel(const GoldenWindow& golden, const Analysed& w, int ranks);
// As the planner lays it out, the sequence split, where there is one.
LayoutPlan split_context(const GoldenWindow& golden, const Analysed& w, int ranks);
// That many pipeline stages, each with that many data parallel ranks.
LayoutPlan staged(const GoldenWindow& golden, const Analysed& w, int stages, int dp);
// Any home of any input, any policy, gathered weights forgotten anywhere, on 2, 3 or 2 x 3 ranks.
LayoutPlan random_plan(const GoldenWindow& golden, const Analysed& w, unsigned seed);

// The window with those calls expanded that the plan would move operands for.
std::shared_ptr<const Analysed> expanded(GoldenWindow* golden, const MakePlan& make);

}  // namespace moai::compiler
