#include "moai/compiler/verify/verify.h"

#include "moai/compiler/verify/report.h"
#include "moai/compiler/verify/verify_graph.h"
#include "moai/compiler/verify/verify_program.h"
#include "moai/compiler/verify/verify_windows.h"

namespace moai::compiler {

Status verify(const Lowering& in, std::span<const graph::Window> ranks,
              const graph::SignatureTable& signatures) {
  MOAI_RETURN_IF_ERROR(verify_graph(in, signatures));
  MOAI_RETURN_IF_ERROR(verify_program(in));
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const Status status = graph::verify(ranks[rank], signatures);
    if (!status.ok()) return fault("rank " + std::to_string(rank), status.message());
  }
  return verify_windows(in, ranks, signatures);
}

}  // namespace moai::compiler
