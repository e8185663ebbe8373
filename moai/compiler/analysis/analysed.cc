#include "moai/compiler/analysis/analysed.h"

#include <algorithm>

namespace moai::compiler {

Analysed::Analysed(graph::Window w, const graph::SignatureTable& signatures, const CutsOf& cuts,
                   const std::vector<WholeStorage>& wholes)
    : window(std::move(w)),
      graph(import_window(window, signatures, wholes)),
      factors(graph, cuts ? cuts(graph) : std::vector<Cut>()) {}

std::vector<SegmentId> Analysed::segments_of(const std::vector<graph::StorageId>& storages) const {
  std::vector<SegmentId> found;
  for (SegmentId s = 0; s < graph.segments.size(); ++s) {
    if (std::ranges::find(storages, graph.segments[s].storage) != storages.end()) {
      found.push_back(s);
    }
  }
  return found;
}

}  // namespace moai::compiler
