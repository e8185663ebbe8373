#include "moai/compiler/schedule/zero_bubble.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "moai/compiler/schedule/generators.h"
#include "moai/compiler/schedule/weight_gradients.h"

namespace moai::compiler::schedule {
namespace {

constexpr std::optional<uint32_t> kExtraForwards[] = {std::nullopt, 0, 1};
constexpr Filling kFillings[] = {{0, false}, {0.5, true}, {1, true}, {1, false}};

Status check_request(size_t devices, uint32_t micro_batches, const Costs& costs,
                     const std::vector<int64_t>& limit_bytes) {
  if (devices == 0 || micro_batches == 0) {
    return invalid_argument("[compiler.schedule] nothing to schedule: " + std::to_string(devices) +
                            " devices, " + std::to_string(micro_batches) + " micro-batches");
  }
  if (!limit_bytes.empty() && limit_bytes.size() != devices) {
    return invalid_argument("[compiler.schedule] memory limits of " +
                            std::to_string(limit_bytes.size()) + " devices for a schedule on " +
                            std::to_string(devices));
  }
  for (size_t s = 0; s < costs.stages.size(); ++s) {
    const StageCost& cost = costs.stages[s];
    if (cost.kept_bytes < 0 || cost.kept_bytes > cost.held_bytes) {
      return invalid_argument(
          "[compiler.schedule] a weight gradient keeps a part of what its "
          "forward holds: stage " +
          std::to_string(s) + " keeps " + std::to_string(cost.kept_bytes) + " of " +
          std::to_string(cost.held_bytes) + " bytes");
    }
  }
  return ok_status();
}

// When micro-batch 0 reaches each stage, and when its gradient does, if nothing is in the way.
struct FirstPass {
  std::vector<double> forward_s;
  std::vector<double> gradient_s;
};

FirstPass first_pass(const Costs& costs) {
  const size_t stages = costs.stages.size();
  FirstPass pass{std::vector<double>(stages), std::vector<double>(stages)};
  double at = 0;
  for (size_t s = 0; s < stages; ++s) {
    if (s > 0) at += costs.stages[s - 1].send_activation_s;
    pass.forward_s[s] = at;
    at += costs.stages[s].forward_s;
  }
  for (size_t s = stages; s-- > 0;) {
    if (s + 1 < stages) at += costs.stages[s + 1].send_gradient_s;
    pass.gradient_s[s] = at;
    at += costs.stages[s].input_gradient_s;
  }
  return pass;
}

// Forwards that `bytes` hold.
uint32_t room_for(const std::vector<int64_t>& limit_bytes, const Costs& costs, size_t d,
                  uint32_t micro_batches) {
  const int64_t held = costs.stages[d].held_bytes;
  if (limit_bytes.empty() || held == 0) return micro_batches;
  return static_cast<uint32_t>(std::clamp<int64_t>(limit_bytes[d] / held, 0, micro_batches));
}

// Forwards before the first backward: as few as 1F1B has, or as many as fill the time until its
// gradient arrives and `extra` more. The counts fall at least as a line from device 0's to 1: where
// memory is the limit, none then waits for forwards that its neighbour may not run.
std::vector<uint32_t> warm_ups(const std::vector<uint32_t>& room, const Costs& costs,
                               std::optional<uint32_t> extra) {
  const size_t devices = room.size();
  const FirstPass pass = first_pass(costs);
  std::vector<uint32_t> result(devices);
  double slowest = 0;
  for (size_t d = 0; d < devices; ++d) {
    const auto narrow = static_cast<double>(devices - d);
    double count = narrow;
    slowest = std::max(slowest, costs.stages[d].forward_s);
    if (extra && slowest > 0) {
      count = std::floor((pass.gradient_s[d] - pass.forward_s[d]) / slowest + 1e-9) + *extra;
      if (d > 0) {
        const double step = (result[0] - 1.0) / (devices - 1.0);
        count = std::min(count, std::max(narrow, std::round(result[0] - step * d)));
      }
    }
    const double most = d == 0 ? room[0] : std::min(room[d], result[d - 1]);
    result[d] = static_cast<uint32_t>(std::clamp(count, 1.0, most));
  }
  return result;
}

// Keeps in `best` the shorter of it and the skeleton filled.
Status try_fillings(const Schedule& skeleton, const Costs& costs,
                    const std::vector<int64_t>& limit_bytes, StepEnd end,
                    std::optional<Planned>* best) {
  for (const Filling& filling : kFillings) {
    std::optional<Schedule> schedule =
        place_weight_gradients(skeleton, costs, limit_bytes, filling);
    if (!schedule) return ok_status();
    MOAI_ASSIGN_OR_RETURN(Simulation simulation, simulate(*schedule, costs));
    if (!*best || step_s(simulation, end) < step_s((*best)->simulation, end)) {
      *best = Planned{std::move(*schedule), std::move(simulation)};
    }
  }
  return ok_status();
}

Status too_small() {
  return resource_exhausted(
      "[compiler.schedule] the forwards before a backward do not fit into the "
      "devices' memory; start fewer of them or recompute");
}

}  // namespace

Result<Planned> zero_bubble(uint32_t micro_batches, const Costs& costs,
                            const std::vector<int64_t>& limit_bytes, StepEnd end) {
  const size_t devices = costs.stages.size();
  MOAI_RETURN_IF_ERROR(check_request(devices, micro_batches, costs, limit_bytes));
  std::vector<uint32_t> room(devices);
  for (size_t d = 0; d < devices; ++d) {
    room[d] = room_for(limit_bytes, costs, d, micro_batches);
    if (room[d] == 0) {
      return resource_exhausted("[compiler.schedule] one micro-batch does not fit: " +
                                std::to_string(costs.stages[d].held_bytes) +
                                " bytes of activations on device " + std::to_string(d) +
                                ", limit " + std::to_string(limit_bytes[d]) +
                                "; take smaller micro-batches or recompute");
    }
  }
  std::optional<Planned> best;
  std::vector<std::vector<uint32_t>> tried;
  for (const std::optional<uint32_t>& extra : kExtraForwards) {
    const std::vector<uint32_t> counts = warm_ups(room, costs, extra);
    if (std::find(tried.begin(), tried.end(), counts) != tried.end()) continue;
    tried.push_back(counts);
    MOAI_RETURN_IF_ERROR(
        try_fillings(by_turns(counts, micro_batches), costs, limit_bytes, end, &best));
  }
  if (!best) return internal_error("[compiler.schedule] no order fits where one micro-batch does");
  return std::move(*best);
}

Result<Planned> zero_bubble_v(uint32_t micro_batches, const Costs& costs,
                              const std::vector<int64_t>& limit_bytes, StepEnd end) {
  const size_t stages = costs.stages.size();
  if (stages % 2 != 0) {
    return invalid_argument(
        "[compiler.schedule] a V has two stages a device: " + std::to_string(stages) + " stages");
  }
  MOAI_RETURN_IF_ERROR(check_request(stages / 2, micro_batches, costs, limit_bytes));
  std::optional<Planned> best;
  for (const auto& skeleton : {zb_v, v_half, v_min}) {
    MOAI_RETURN_IF_ERROR(try_fillings(skeleton(static_cast<uint32_t>(stages / 2), micro_batches),
                                      costs, limit_bytes, end, &best));
  }
  if (!best) return too_small();
  return std::move(*best);
}

Result<Planned> fill(const Schedule& skeleton, const Costs& costs,
                     const std::vector<int64_t>& limit_bytes, StepEnd end) {
  MOAI_RETURN_IF_ERROR(
      check_request(skeleton.devices(), skeleton.micro_batches, costs, limit_bytes));
  // Also what place_weight_gradients relies on.
  MOAI_RETURN_IF_ERROR(simulate(skeleton, costs).status());
  std::optional<Planned> best;
  MOAI_RETURN_IF_ERROR(try_fillings(skeleton, costs, limit_bytes, end, &best));
  if (!best) return too_small();
  return std::move(*best);
}

}  // namespace moai::compiler::schedule
