#include "moai/compiler/planner/window_in_time.h"

namespace moai::compiler {

WindowInTime window_in_time(const InTimeInput& in, graph::SignatureTable* signatures) {
  WindowInTime out;
  out.count = microbatches_for(*in.window, in.uploaded, in.degrees.microbatches, in.microbatch_rows,
                               *signatures);
  MicroBatchInput parts{.window = in.window,
                        .words = in.words,
                        .uploaded = in.uploaded,
                        .first_temporary = in.first_temporary,
                        .microbatches = out.count.microbatches};
  if (in.order && parts.microbatches > 1) parts.order = in.order(parts.microbatches);
  out.made = micro_batches(parts, signatures);
  if (out.made.verified.ok()) return out;
  out.refused = out.made.verified;
  parts.microbatches = 1;
  out.made = micro_batches(parts, signatures);
  return out;
}

}  // namespace moai::compiler
