// Stages: which pipeline stage runs each call of a window, and where the window's storages live.
//
// The model is a line: its weights in the order in which the forward pass first uses them. A
// forward call stands at the last weight that what it computes depends on, a backward call where of
// the forward values that it reads the first is used last, but not behind the gradients that it
// gets. So parts are cuts of the line: of near equal cost, where few bytes cross, forward and back.
// Weights live where they are used first, their gradients and optimizer state with them; what
// depends on data alone runs where it is read. A stage has one part, or several by turns.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "moai/compiler/analysis/roles.h"
#include "moai/compiler/sharding/policy.h"

namespace moai::compiler {

// How a segment lies among the stages that exists before the window.
struct StageHome {
  enum class Kind : uint8_t {
    kFree,   // none has it yet
    kAll,    // all have it, and it may go to one
    kEvery,  // all have it, and must
    kAt,     // one has it
  };
  Kind kind = Kind::kFree;
  uint32_t stage = 0;  // kAt

  bool operator==(const StageHome&) const = default;
};
using StageHomes = std::function<StageHome(SegmentId)>;

// Of a window's model in consecutive parts.
struct StageParts {
  static constexpr int32_t kNone = -1;
  std::vector<int32_t> nodes{};          // by node; kNone off the line
  std::vector<bool> weight_gradients{};  // by node: only the optimizer waits for it
  // By part; in no unit.
  struct Cost {
    double forward = 0, input_gradient = 0, weight_gradient = 0;
    double sent = 0;  // to the part behind it, and back
  };
  std::vector<Cost> costs{};
  std::map<graph::StorageId, uint32_t> weights{};  // the part of each
};

struct StageInput {
  const Factors* factors = nullptr;  // outlives it
  int stages = 1, chunks = 1;        // parts a stage has
  StageHomes homes{};
  // Decided before, of a window that this one is made of; else weights that lie at stages stay
  // there, unless another cut is better by a quarter.
  const std::map<graph::StorageId, uint32_t>* weights = nullptr;
};

// What a byte between stages costs in FLOPs, as stage_line.h counts seconds.
inline constexpr double kFlopsPerCrossingByte = 200;

// Deterministic.
StageParts find_parts(const ValueGraph& g, const Roles& roles, const StageInput& in);

// Sets `plan->stages`, and the homes of segments on the axis of stages, which `plan` has.
void assign_stages(const ValueGraph& g, const Roles& roles, const StageInput& in, LayoutPlan* plan);

// Every call at every stage, and nothing at one alone.
void run_at_every_stage(const ValueGraph& g, LayoutPlan* plan);

}  // namespace moai::compiler
