// WindowShape: what windows of the same calls in other sizes have in common, and how large each is.
//
// A training step whose batch or sequence has changed has the structure of the one before.
#pragma once

#include <cstdint>

#include "moai/graph/signature_table.h"
#include "moai/graph/window.h"

namespace moai::compiler {

struct WindowShape {
  // Of calls, their types and what they read of one another; of no size and no number.
  uint64_t structure = 0;
  double elements = 0;  // that its calls make
};

WindowShape window_shape(const graph::Window& w, const graph::SignatureTable& signatures);

}  // namespace moai::compiler
