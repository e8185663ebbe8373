// Import: a window becomes dataflow over values.
#pragma once

#include <string>
#include <vector>

#include "moai/compiler/analysis/value_graph.h"
#include "moai/graph/window.h"

namespace moai::compiler {

// A storage of which calls use parts as of one tensor, though none uses all of it.
struct WholeStorage {
  graph::StorageId storage = 0;
  tensor::Geometry geometry{};  // of all that is one segment
};

// `w` is verified. Linear in its size.
ValueGraph import_window(const graph::Window& w, const graph::SignatureTable& signatures,
                         const std::vector<WholeStorage>& wholes = {});

// One line a segment, then one a node. A value is "segment.version"; its view stands behind it,
// one entry a dimension: "3@64" shows a block of 3 values at steps of 64 elements, "2+5/10@4" five
// of ten from the third on, "2+3x4/20@1" three at steps of four, "*8" repeats, "1" is a unit;
// "(1/3@64)" is a block that stands at 1.
std::string print(const ValueGraph& g);

}  // namespace moai::compiler
