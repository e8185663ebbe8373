// Whether two windows leave the same contents.
#pragma once

#include "moai/base/status.h"
#include "moai/graph/window.h"

namespace moai::compiler {

// Over numbers that stand for contents (content_numbers.h): every storage that one of them leaves
// the other leaves with the same content, made by the same calls of the same operands and words.
Status verify_same(const graph::Window& recorded, const graph::Window& other,
                   const graph::SignatureTable& signatures);

}  // namespace moai::compiler
