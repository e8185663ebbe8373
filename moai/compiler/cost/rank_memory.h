// What a rank holds when its program begins.
#pragma once

#include "moai/compiler/cost/live_storages.h"
#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler::cost {

// `whole`: bytes of all storages that are older than the window, as one device would have them.
// Inputs lie as the program has them. What no call uses lies whole, but for what the window
// releases: a step before left that, placed as the window places what it leaves of the same size.
StorageBytes rank_begin(const Lowering& in, int rank, const StorageBytes& whole);

}  // namespace moai::compiler::cost
