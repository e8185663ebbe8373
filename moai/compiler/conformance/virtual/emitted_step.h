// EmittedStep: what all ranks run of a step, as the compiler emits it under a plan.
#pragma once

#include <string>
#include <vector>

#include "moai/cluster/topology.h"
#include "moai/compiler/planner/step_price.h"

namespace moai::compiler {

struct EmittedStep {
  Mesh mesh{};
  std::vector<graph::Window> ranks{};
};

EmittedStep emit_step(const PlannedWindow& planned, graph::SignatureTable* signatures);

// A recorded step of a model: the last window of a file of tests/golden/windows or
// bench/virtual.
struct Model {
  std::string name{};
  graph::SignatureTable signatures{};
  RecordedStep step{};
};
Status read_model(const std::string& file, Model* model);

}  // namespace moai::compiler
