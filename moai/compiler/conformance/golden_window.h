// GoldenWindow: a recorded training step, with inputs made up for it.
#pragma once

#include <map>
#include <string>

#include "moai/compiler/lower/lower_rank.h"
#include "moai/graph/recording.h"

namespace moai::compiler {

struct GoldenWindow {
  graph::SignatureTable signatures{};
  graph::RecordedWindow recorded{};
  ValueGraph graph{};
  std::map<graph::StorageId, std::string> inputs{};  // bytes of what the window reads first
  std::vector<SegmentId> data{};                     // uploaded during the window

  Lowering lowering(const Factors& factors, const SpmdProgram& program) const {
    return {&recorded.window, &graph, &factors, &program};
  }
};

// The last window of `tests/golden/windows/NAME.txt`. Floats are drawn from [0.05, 1), integers from
// what the file says in "# below N".
void load(const std::string& name, GoldenWindow* golden);

}  // namespace moai::compiler
