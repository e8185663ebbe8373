// Forward parts: where the forward pass of a window is cut so that little crosses.
//
// Equal layers, each with what it reads whole; where calls do not repeat, about as many parts of
// equal memory as the root of the number of products.
#pragma once

#include <vector>

#include "moai/compiler/passes/storage_use.h"

namespace moai::compiler {

// By node of the window its part, from 0; -1 of what is in none: what is no forward call, what
// comes before the first layer or after the last.
std::vector<int> forward_parts(const graph::Window& w, const WindowUse& use,
                               const std::vector<Slice>& slices,
                               const graph::SignatureTable& signatures);

}  // namespace moai::compiler
