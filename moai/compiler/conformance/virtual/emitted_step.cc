#include "moai/compiler/conformance/virtual/emitted_step.h"

#include <filesystem>

#include "moai/base/file.h"
#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

EmittedStep emit_step(const PlannedWindow& planned, graph::SignatureTable* signatures) {
  const Analysed& a = *planned.analysed;
  const Lowering in{&a.window, &a.graph, &a.factors, &planned.program, {}};
  EmittedStep emitted{.mesh = planned.program.mesh};
  for (int rank = 0; rank < emitted.mesh.ranks(); ++rank) {
    emitted.ranks.push_back(lower_rank(in, rank, planned.next_temporary, signatures));
  }
  return emitted;
}

Status read_model(const std::string& file, Model* model) {
  model->name = std::filesystem::path(file).stem();
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(file));
  MOAI_ASSIGN_OR_RETURN(const graph::Recording recording,
                        graph::parse_recording(text, &model->signatures));
  MOAI_ASSIGN_OR_RETURN(model->step, training_step(recording, model->signatures));
  return ok_status();
}

}  // namespace moai::compiler
