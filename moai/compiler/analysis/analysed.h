// A window with what analysis makes of it.
#pragma once

#include <functional>
#include <vector>

#include "moai/compiler/analysis/factors.h"
#include "moai/compiler/analysis/import_window.h"
#include "moai/graph/window.h"

namespace moai::compiler {

// Borders that factors must have beside those of the calls.
using CutsOf = std::function<std::vector<Cut>(const ValueGraph&)>;

struct Analysed {
  Analysed(graph::Window w, const graph::SignatureTable& signatures, const CutsOf& cuts = {},
           const std::vector<WholeStorage>& wholes = {});

  graph::Window window;
  ValueGraph graph;
  Factors factors;  // of `graph`, which therefore stays where it is

  Analysed(const Analysed&) = delete;
  // Segments of storages, in order.
  std::vector<SegmentId> segments_of(const std::vector<graph::StorageId>& storages) const;
};

}  // namespace moai::compiler
