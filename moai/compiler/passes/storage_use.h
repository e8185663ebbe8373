// StorageUse: who writes and reads the storages of a window, call by call.
#pragma once

#include <map>
#include <vector>

#include "moai/compiler/analysis/roles.h"
#include "moai/graph/window.h"

namespace moai::compiler {

struct CallUse {
  std::vector<graph::StorageId> read{};     // each once; what is only overwritten is not
  std::vector<graph::StorageId> written{};  // results as well
  std::vector<graph::StorageId> results{};
};

struct StorageUse {
  std::vector<uint32_t> writers{}, readers{};  // positions in the window, ascending
  uint64_t bytes = 0;                          // of what the window makes
  bool made = false;                           // by the window
  bool allocated = false;                      // not as a result
  bool released = false;
};

struct WindowUse {
  WindowUse(const graph::Window& w, const graph::SignatureTable& signatures);

  std::vector<CallUse> calls{};  // by node; empty of what is no call
  std::map<graph::StorageId, StorageUse> storages{};
};

// The slices of a window's nodes, from those of its graph; of what is no call forward.
std::vector<Slice> slices_by_source(const ValueGraph& g, const Roles& roles, size_t nodes);

}  // namespace moai::compiler
