// Where a weight, its gradient and its optimizer state are shared alike.
#pragma once

#include <optional>
#include <span>

#include "moai/compiler/analysis/factors.h"
#include "moai/compiler/sharding/placement.h"

namespace moai::compiler {

// The outermost place of a list that gives the fullest of `ranks` ranks as little as any does,
// within a fiftieth; not one that `taken` splits. Nothing where no factor is large enough.
std::optional<uint32_t> share_place(const Factors& factors, std::span<const FactorId> list,
                                    std::span<const AxisPlacement> taken, int ranks);

}  // namespace moai::compiler
