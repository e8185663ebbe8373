#include "moai/compiler/lower/stage_lowering.h"

#include <set>

#include "moai/compiler/sharding/stage_program.h"
#include "moai/compiler/sharding/strategies.h"

namespace moai::compiler {
namespace {

using graph::StorageId;

bool is_elsewhere(const Placement& p, uint32_t stage) { return p[0].at() && p[0].place != stage; }

// Storages that calls make under their own numbers: what goes on from an older version is written
// where that lies, which may be a copy.
std::set<StorageId> made_by(const Lowering& in, const SpmdProgram& program) {
  std::set<StorageId> made;
  for (const Step& step : program.steps) {
    const auto* c = std::get_if<CallStep>(&step);
    if (!c) continue;
    for (const Use* use : made_uses(in.graph->nodes[c->node])) {
      if (use->made == kNone || use->value != kNone) continue;
      made.insert(in.graph->segments[in.graph->values[use->made].segment].storage);
    }
  }
  return made;
}

}  // namespace

StageLowering::StageLowering(const Lowering& all, uint32_t stage)
    : program_(stage_program(*all.graph, *all.program, stage)),
      window_(*all.window),
      lowering_{&window_, all.graph, all.factors, &program_, {}, {}, {}} {
  for (const auto& [segment, placement] : all.existing) {
    if (is_elsewhere(placement, stage)) continue;
    lowering_.existing[segment] = placement;
    lowering_.existing[segment][0] = replicated();
  }
  find_absent(all, stage);
  make_window(all, stage);
}

// What lies at another stage alone, or is made there alone.
void StageLowering::find_absent(const Lowering& all, uint32_t stage) {
  const std::vector<Register>& registers = all.program->registers;
  const auto storage = [&](RegisterId r) {
    return all.graph->segments[all.graph->values[registers[r].value].segment].storage;
  };
  std::set<StorageId>& absent = lowering_.absent;
  for (const auto& [id, at] : all.at_stage) {
    if (at != stage) absent.insert(id);
  }
  for (const auto& [segment, placement] : all.existing) {
    if (is_elsewhere(placement, stage)) absent.insert(all.graph->segments[segment].storage);
  }
  std::set<StorageId> here = made_by(all, program_);
  for (const RegisterId r : all.program->inputs) {
    if (is_elsewhere(registers[r].placement, stage)) {
      absent.insert(storage(r));
    } else {
      here.insert(storage(r));
    }
  }
  for (const RegisterId r : program_.outputs) here.insert(storage(r));
  for (const auto& [segment, placement] : lowering_.existing) {
    here.insert(all.graph->segments[segment].storage);
  }
  for (const Segment& s : all.graph->segments) {
    if (!here.contains(s.storage)) absent.insert(s.storage);
  }
}

// The window as far as it makes and releases what is here. What is made here and left elsewhere is
// released as well.
void StageLowering::make_window(const Lowering& all, uint32_t stage) {
  std::set<StorageId> released;
  window_.nodes.clear();
  for (const graph::Node& n : all.window->nodes) {
    if (n.kind != graph::NodeKind::kCall) {
      const StorageId id = all.window->storages_of(n)[0];
      if (lowering_.absent.contains(id)) continue;
      if (n.kind == graph::NodeKind::kFree) released.insert(id);
    }
    window_.nodes.push_back(n);
  }
  for (const RegisterId r : all.program->outputs) {
    const Register& reg = all.program->registers[r];
    const StorageId id = all.graph->segments[all.graph->values[reg.value].segment].storage;
    if (!is_elsewhere(reg.placement, stage) || lowering_.absent.contains(id)) continue;
    if (released.insert(id).second) window_.free(id);
  }
}

}  // namespace moai::compiler
