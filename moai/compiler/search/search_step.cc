#include "moai/compiler/search/search_step.h"

#include "moai/compiler/cost/call_work.h"
#include "moai/compiler/cost/collective_cost.h"

namespace moai::compiler {
namespace {

// What is left out of a window with fewer layers is not there either.
RecordedStep without(const RecordedStep& step, const std::unordered_set<graph::StorageId>& absent) {
  RecordedStep out{.window = {}, .uploaded = step.uploaded, .older = step.older};
  std::erase_if(out.older, [&](const auto& entry) { return absent.contains(entry.first); });
  return out;
}

}  // namespace

SearchProblem search_problem(const RecordedStep& step, const cluster::Cluster& cluster,
                             const Pins& pins, const PriceOptions& options,
                             graph::SignatureTable* signatures) {
  cluster::DeviceKind device = cluster.device;
  device.fitted.launch_s = 0;
  device.fitted.gemm_ramp = 0;
  return {
      .window = &step.window,
      .signatures = signatures,
      .uploaded = step.uploaded,
      .devices = cluster.devices(),
      .memory_bytes = static_cast<double>(cluster.device.memory_bytes),
      .pins = pins,
      .price = [&step, &cluster, options, signatures](
                   const PlannedWindow& planned, const Degrees& degrees,
                   const std::unordered_set<graph::StorageId>& absent) -> PlanPrice {
        const StepPrice p =
            price_step(without(step, absent), planned, degrees, cluster, options, signatures);
        return {.step_s = p.program.step_s,
                .exchange_s = p.slices.exchange_s,
                .memory_bytes = static_cast<double>(p.program.memory_bytes_max)};
      },
      .call_seconds =
          [device, options](const ops::CallSignature& s) {
            return cost::call_seconds(device, cost::call_work(s), options.kernels);
          },
      .gradient_seconds =
          [&cluster, options](const Degrees& d, double bytes) {
            if (options.collectives_overlap) return 0.0;
            const Mesh mesh{{{"dp", d.dp}, {"tp", d.tp}}};
            return cost::collective_seconds(cluster, cluster::Collective::kReduceScatter, bytes,
                                            cost::axis_shapes(cluster, mesh)[0]);
          },
  };
}

}  // namespace moai::compiler
