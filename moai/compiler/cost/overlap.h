// Overlap: which collectives run beside a step's calls, in other stacks than ours (profile/).
// In our Workers none does.
#pragma once

#include <cstdint>

namespace moai::compiler::cost {

// What hides the collectives of tensor parallelism.
enum class TensorOverlap : uint8_t {
  kNone = 0,
  kWeightGradients = 1,  // calls that do not need them
  kChunks = 2,           // the products in front of and behind them, in as many chunks as ranks
};

struct Overlap {
  TensorOverlap tensor = TensorOverlap::kNone;
  bool data = false;  // all others run beside calls that do not need them

  bool operator==(const Overlap&) const = default;
};

}  // namespace moai::compiler::cost
