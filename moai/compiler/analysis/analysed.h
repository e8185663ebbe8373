// A window with what analysis makes of it.
#pragma once

#include "moai/compiler/analysis/factors.h"
#include "moai/graph/window.h"

namespace moai::compiler {

struct Analysed {
  Analysed(graph::Window w, const graph::SignatureTable& signatures);

  graph::Window window;
  ValueGraph graph;
  Factors factors;  // of `graph`, which therefore stays where it is

  Analysed(const Analysed&) = delete;
  // Segments of storages, in order.
  std::vector<SegmentId> segments_of(const std::vector<graph::StorageId>& storages) const;
};

}  // namespace moai::compiler
