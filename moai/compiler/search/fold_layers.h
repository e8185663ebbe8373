// Folding: a window with most of its equal layers left out, from whose prices those of the whole
// follow.
//
// Layers are runs of equal calls, forward and backward alike; what a layer that is left out gave to
// those around it comes from the layer that stands at its place. Parameters of layers that are left
// out go, and with them their items of the optimizer's calls. Windows of two sizes tell what a
// layer costs, so that prices of all layers are those of the larger one and a multiple of the
// difference.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "moai/compiler/search/optimizer_items.h"
#include "moai/compiler/search/repeats.h"
#include "moai/graph/window.h"

namespace moai::compiler {

struct FoldedWindow {
  graph::Window window{};
  size_t layers = 0;                              // that are left
  std::unordered_set<graph::StorageId> absent{};  // storages of layers that are not
};

class LayerFolder {
 public:
  // Both outlive it; signatures of shorter lists are added.
  LayerFolder(const graph::Window& window, graph::SignatureTable* signatures);

  // 1 where nothing repeats.
  size_t layers() const { return runs_.empty() ? 1 : runs_[0].repeats; }
  // The window with so many layers, at least two. Nothing where layers depend on each other in
  // another way than one on the next.
  std::optional<FoldedWindow> keep(size_t layers) const;

 private:
  graph::Window const& window_;
  graph::SignatureTable& signatures_;
  std::unique_ptr<SplitCalls> split_;
  std::vector<uint32_t> calls_;  // nodes of the window
  std::vector<Run> runs_;        // over calls
};

}  // namespace moai::compiler
