// LayoutPlan: what a planner decides; everything else the partitioner completes.
#pragma once

#include <map>
#include <vector>

#include "moai/compiler/sharding/spmd.h"

namespace moai::compiler {

// How one axis completes what was not decided.
struct AxisPolicy {
  enum class Keeps : uint8_t {
    kActivations,  // data parallel: weights may be gathered, activations never
    kWeights,      // tensor parallel: activations may be gathered, weights never
    kNothing,      // context split: what travels least; sums of gradients cost nothing
  };
  Keeps keeps = Keeps::kActivations;
  // Partial values without a batch factor go to shares, as sharded optimizers want them.
  bool scatters_gradients = false;
  // Factors over which partial activations may be scattered (sequence parallelism, context split).
  std::vector<FactorId> scatters{};
  // Factors that are other axes' to share: taken where nothing else is as near.
  std::vector<FactorId> avoids{};
};

// How much goes together in one exchange of one kind on one axis: a part of all that does, each
// value counted once, in bounds. bytes_max 0: each by itself.
struct BundleLimits {
  int parts = 8;
  uint64_t bytes_min = uint64_t{64} << 10, bytes_max = uint64_t{25} << 20;
};

struct LayoutPlan {
  Mesh mesh{};
  std::vector<AxisPolicy> policies{};  // one an axis
  // Where segments lie between windows; replicated where nothing is said, and where one shares its
  // storage.
  std::map<SegmentId, Placement> home{};
  std::vector<FactorId> batch{};  // factors that mark an activation
  // Where copies gathered from shares of weights are dropped, to be gathered again (the start of
  // the backward part); kNone: they are kept.
  NodeId regather = kNone;
  // Of what is made whole along an axis from there on its share at this place: where the sequence
  // begins.
  struct Entry {
    uint32_t axis = 0, place = 0;
  };
  std::map<ValueId, Entry> entries{};
  // On a mesh of stages, by node the stage that runs it, or kEveryStage.
  std::vector<int32_t> stages{};
  int chunks = 1;                        // parts of the model that a stage has
  std::vector<NodeId> regather_again{};  // and once more, ascending: where micro-batches begin
  BundleLimits bundles{};
  bool overlaps = false;  // SpmdProgram::overlaps
};
inline constexpr int32_t kEveryStage = -1;

}  // namespace moai::compiler
