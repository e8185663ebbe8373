// Batch factors: along which the work of a window can be shared without moving an activation.
//
// A batch factor is outermost in what the window is given, no product of the forward pass sums over
// it, no call needs all of it (unless its expansion does not), and most of the work of products has
// it. Several micro-batches in one window have one each. A batch of one has none.
#pragma once

#include <vector>

#include "moai/compiler/analysis/forward_products.h"

namespace moai::compiler {

struct BatchFactors {
  std::vector<FactorId> batch{};
  // What else runs through most forward products and is in no weight: tokens of a sequence.
  std::vector<FactorId> sequence{};
};

// `given`: the segments that data may be; `excluded`: those whose factors are no batch.
struct BatchSearch {
  const Dataflow* flow = nullptr;
  const Factors* factors = nullptr;
  const ForwardProducts* forward = nullptr;
  std::vector<SegmentId> given{}, excluded{};
};

BatchFactors batch_factors(const BatchSearch& in);

}  // namespace moai::compiler
