#include "moai/compiler/verify/verify.h"

#include <memory>

#include "moai/compiler/lower/stage_lowering.h"
#include "moai/compiler/verify/report.h"
#include "moai/compiler/verify/verify_graph.h"
#include "moai/compiler/verify/verify_program.h"
#include "moai/compiler/verify/verify_stages.h"
#include "moai/compiler/verify/verify_started.h"
#include "moai/compiler/verify/verify_windows.h"

namespace moai::compiler {
namespace {

Status verify_all_stages(const Lowering& in, std::span<const graph::Window> ranks,
                         const graph::SignatureTable& signatures) {
  const auto each = static_cast<size_t>(in.program->mesh.stage_ranks());
  const auto stages = static_cast<size_t>(in.program->mesh.stages());
  if (ranks.size() != each * stages) return fault("the mesh", "it has another number of ranks");
  std::vector<std::unique_ptr<StageLowering>> parts;
  std::vector<const SpmdProgram*> programs;
  for (uint32_t s = 0; s < stages; ++s) {
    parts.push_back(std::make_unique<StageLowering>(in, s));
    programs.push_back(parts.back()->lowering().program);
  }
  MOAI_RETURN_IF_ERROR(verify_stage_programs(in, programs));
  std::vector<const graph::Window*> firsts;
  for (size_t s = 0; s < stages; ++s) {
    const Status status =
        verify_windows(parts[s]->lowering(), ranks.subspan(s * each, each), signatures);
    if (!status.ok()) return fault("stage " + std::to_string(s), status.message());
    firsts.push_back(&ranks[s * each]);
  }
  return verify_meetings(firsts, signatures);
}

// What computes the same with nothing in flight; `whole` stays empty where the ranks' own do.
Status end_what_is_started(std::span<const graph::Window> ranks,
                           const graph::SignatureTable& signatures,
                           std::vector<graph::Window>* whole) {
  bool any = false;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const Status status = verify_started(ranks[rank], signatures);
    if (!status.ok()) return fault("rank " + std::to_string(rank), status.message());
    any |= has_waits(ranks[rank], signatures);
  }
  for (size_t rank = 0; any && rank < ranks.size(); ++rank) {
    whole->push_back(without_waits(ranks[rank], signatures));
  }
  return ok_status();
}

}  // namespace

Status verify(const Lowering& in, std::span<const graph::Window> ranks,
              const graph::SignatureTable& signatures) {
  MOAI_RETURN_IF_ERROR(verify_graph(in, signatures));
  MOAI_RETURN_IF_ERROR(verify_program(in));
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const Status status = graph::verify(ranks[rank], signatures);
    if (!status.ok()) return fault("rank " + std::to_string(rank), status.message());
  }
  std::vector<graph::Window> whole;
  MOAI_RETURN_IF_ERROR(end_what_is_started(ranks, signatures, &whole));
  if (!whole.empty()) ranks = whole;
  if (in.program->mesh.stages() > 1) return verify_all_stages(in, ranks, signatures);
  return verify_windows(in, ranks, signatures);
}

}  // namespace moai::compiler
