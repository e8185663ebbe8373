#include "moai/compiler/planner/window_in_time.h"

#include "moai/compiler/passes/recompute.h"

namespace moai::compiler {
namespace {

// The order by nodes of the window in which calls are made again.
TimeOrder order_of(const TimeOrder& order, const Recomputed& again) {
  TimeOrder out{.tasks = order.tasks, .stages = {}, .backward = again.backward};
  if (order.stages.empty()) return out;
  for (const uint32_t source : again.sources) out.stages.push_back(order.stages[source]);
  return out;
}

}  // namespace

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
  Recomputed again;
  if (in.degrees.recompute != Recompute::kNone) {
    again = recompute(*in.window, in.words, in.uploaded, in.degrees.recompute, in.first_temporary,
                      *signatures);
    if (again.verified.ok()) {
      parts.window = &again.window;
      parts.words = again.words;
      parts.first_temporary = again.next_temporary;
      parts.order = order_of(parts.order, again);
    } else {
      out.refused = again.verified;
    }
  }
  out.made = micro_batches(parts, signatures);
  if (!out.made.verified.ok()) {
    out.refused = out.made.verified;
    out.count.microbatches = parts.microbatches = 1;
    out.made = micro_batches(parts, signatures);
  }
  if (parts.window != &again.window) return out;
  for (NodeOrigin& o : out.made.origins) o.source = again.sources[o.source];
  for (TimeBarrier& b : out.made.barriers) b.source = again.sources[b.source];
  return out;
}

}  // namespace moai::compiler
