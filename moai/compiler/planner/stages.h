// Stages: which pipeline stage runs each call of a window, and where the window's storages live.
//
// The model is a line: its weights in the order in which the forward pass first uses them. A forward
// call stands at the last weight that what it computes depends on, a backward call where of the
// forward values that it reads the first is used last, but not behind the gradients that it gets. So stages are cuts
// of the line: of near equal cost, where few bytes cross, forward and back. Weights live where they
// are used first, their gradients and optimizer state with them; what depends on data alone runs
// where it is read.
#pragma once

#include <functional>
#include <optional>

#include "moai/compiler/analysis/roles.h"
#include "moai/compiler/sharding/policy.h"

namespace moai::compiler {

// How a segment lies among the stages that exists before the window.
struct StageHome {
  enum class Kind : uint8_t {
    kFree,   // it may go to any for nothing: all stages have it, or none has it yet
    kEvery,  // all stages have it, and must
    kAt,     // one has it
  };
  Kind kind = Kind::kFree;
  uint32_t stage = 0;  // kAt

  bool operator==(const StageHome&) const = default;
};
using StageHomes = std::function<StageHome(SegmentId)>;

// Sets `plan->stages`, and the homes of segments on the axis of stages, which `plan` has. Where
// weights lie at stages already, calls go there, unless another cut is better by a quarter.
// Deterministic.
void assign_stages(const ValueGraph& g, const Roles& roles, const StageHomes& homes,
                   LayoutPlan* plan);

// Every call at every stage, and nothing at one alone.
void run_at_every_stage(const ValueGraph& g, LayoutPlan* plan);

}  // namespace moai::compiler
