#include "moai/compiler/sharding/early_scatters.h"

#include <utility>

namespace moai::compiler {

void scatter_early(SpmdProgram* program) {
  std::vector<Step>& steps = program->steps;
  std::vector<uint32_t> made_at(program->registers.size(), kNone);
  std::vector<std::vector<MoveStep>> after(steps.size());
  std::vector<bool> leaves(steps.size());
  for (uint32_t i = 0; i < steps.size(); ++i) {
    if (const auto* c = std::get_if<CallStep>(&steps[i])) {
      for (const RegisterId r : c->made) {
        if (r != kNone) made_at[r] = i;
      }
      continue;
    }
    const MoveStep& m = std::get<MoveStep>(steps[i]);
    const uint32_t maker = made_at[m.from];
    if (m.kind == MoveKind::kReduceScatter && maker != kNone) {
      after[maker].push_back(m);
      leaves[i] = true;
    }
    made_at[m.to] = leaves[i] ? maker : i;
  }
  std::vector<Step> ordered;
  ordered.reserve(steps.size());
  for (uint32_t i = 0; i < steps.size(); ++i) {
    if (!leaves[i]) ordered.push_back(std::move(steps[i]));
    for (MoveStep& m : after[i]) ordered.emplace_back(m);
  }
  steps = std::move(ordered);
}

}  // namespace moai::compiler
