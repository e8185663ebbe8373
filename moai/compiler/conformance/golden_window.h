// GoldenWindow: a recorded training step, with inputs made up for it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "moai/compiler/analysis/analysed.h"
#include "moai/graph/recording.h"

namespace moai::compiler {

struct GoldenWindow {
  graph::SignatureTable signatures{};
  std::unique_ptr<Analysed> recorded{};
  // Bytes of what the window reads first, and of what it overwrites.
  std::map<graph::StorageId, std::string> inputs{};
  std::vector<graph::StorageId> data{};  // uploaded during the window
};

// The last window of `tests/golden/windows/NAME.txt`. Floats are drawn from [0.05, 1), integers
// from what the file says in "# below N".
void load(const std::string& name, GoldenWindow* golden);

}  // namespace moai::compiler
