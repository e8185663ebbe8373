#include "moai/compiler/schedule/verify.h"

#include "moai/compiler/schedule/simulate.h"

namespace moai::compiler::schedule {
namespace {

Status verify_memory(const Schedule& schedule, const Costs& costs, size_t d, int64_t limit_bytes) {
  int64_t bytes = 0;
  for (const Task& task : schedule.order[d]) {
    bytes += bytes_change(costs.stages[task.stage], task.kind);
    if (bytes > limit_bytes) {
      return resource_exhausted(
          "[compiler.schedule] more activations than device " + std::to_string(d) +
          " may hold: " + std::to_string(bytes) + " bytes from " + to_string(task) + " on, limit " +
          std::to_string(limit_bytes) + "; start fewer forwards before the first backward");
    }
  }
  return ok_status();
}

}  // namespace

Status verify(const Schedule& schedule) {
  return simulate(schedule, uniform(schedule.stages(), {})).status();
}

Status verify(const Schedule& schedule, const Costs& costs,
              const std::vector<int64_t>& limit_bytes) {
  if (limit_bytes.size() != schedule.devices()) {
    return invalid_argument("[compiler.schedule] memory limits of " +
                            std::to_string(limit_bytes.size()) + " devices for a schedule on " +
                            std::to_string(schedule.devices()));
  }
  MOAI_RETURN_IF_ERROR(simulate(schedule, costs).status());
  for (size_t d = 0; d < schedule.devices(); ++d) {
    MOAI_RETURN_IF_ERROR(verify_memory(schedule, costs, d, limit_bytes[d]));
  }
  return ok_status();
}

}  // namespace moai::compiler::schedule
