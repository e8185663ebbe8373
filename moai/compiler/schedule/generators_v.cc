// Schedules whose stages lie in the shape of a V.
#include <algorithm>
#include <array>
#include <utility>

#include "moai/compiler/schedule/generators.h"

namespace moai::compiler::schedule {
namespace {

// One device of the V: its chunk going down, its chunk coming up.
class VDevice {
 public:
  VDevice(uint32_t devices, uint32_t d, uint32_t micro_batches)
      : devices_(devices), d_(d), micro_batches_(micro_batches) {
    stage_[0] = d;
    stage_[1] = 2 * devices - 1 - d;
  }

  std::vector<Task> order() && {
    warm_up();
    for (uint32_t k = 0; k + 1 + d_ < devices_; ++k) group(1);
    while (forwards_[0] < micro_batches_ || forwards_[1] < micro_batches_) {
      group(1);
      group(0);
    }
    while (gradients_[0] < micro_batches_ || gradients_[1] < micro_batches_) {
      input_gradient(1);
      input_gradient(0);
      weight_gradient();
    }
    while (weights_ < pending_.size()) weight_gradient();
    return std::move(order_);
  }

 private:
  // The first micro-batch comes back up 2·(devices - d) - 1 forwards after it went down.
  void warm_up() {
    for (uint32_t k = 0; k < 2 * (devices_ - d_) - 1; ++k) forward(0);
    for (uint32_t k = 0; k < d_; ++k) {
      forward(1);
      forward(0);
    }
  }

  void group(int chunk) {
    forward(chunk);
    input_gradient(chunk);
    weight_gradient();
  }

  void forward(int chunk) {
    if (forwards_[chunk] == micro_batches_) return;
    order_.push_back({Kind::kForward, stage_[chunk], forwards_[chunk]++});
  }

  void input_gradient(int chunk) {
    if (gradients_[chunk] == micro_batches_) return;
    pending_.push_back({Kind::kWeightGradient, stage_[chunk], gradients_[chunk]});
    order_.push_back({Kind::kInputGradient, stage_[chunk], gradients_[chunk]++});
  }

  void weight_gradient() {
    if (weights_ < pending_.size()) order_.push_back(pending_[weights_++]);
  }

  const uint32_t devices_;
  const uint32_t d_;
  const uint32_t micro_batches_;
  uint32_t stage_[2];
  uint32_t forwards_[2] = {0, 0};
  uint32_t gradients_[2] = {0, 0};
  std::vector<Task> pending_;
  size_t weights_ = 0;
  std::vector<Task> order_;
};

// The other schedules over a V repeat one block: the four passes of a micro-batch over each device,
// at fixed times, in units of one pass. A device has six parts of work a micro-batch, so the next
// micro-batch's block begins six units later; the longer a block, the more of them are in flight.
constexpr uint32_t kPeriod = 6;

// Units from a device to the one after it on the way down, and to the one before it on the way up.
struct Steps {
  uint32_t down;
  uint32_t up;
};

// Units that a micro-batch waits at the turns: forward at the last device, from forward to backward
// at the first, backward at the last.
using Waits = std::array<uint32_t, 3>;

// When forward down, forward up, backward down and backward up begin on device `d`.
std::array<uint32_t, 4> passes_at(uint32_t devices, uint32_t d, Steps steps, const Waits& waits) {
  const uint32_t down = steps.down * (devices - 1);
  const uint32_t up = steps.up * (devices - 1);
  const uint32_t turn = down + 1 + waits[0];
  const uint32_t back = turn + up + 1 + waits[1];
  const uint32_t home = back + down + 1 + waits[2];
  const uint32_t above = devices - 1 - d;
  return {steps.down * d, turn + steps.up * above, back + steps.down * d, home + steps.up * above};
}

bool collide(uint32_t devices, Steps steps, const Waits& waits) {
  for (uint32_t d = 0; d < std::min(devices, kPeriod); ++d) {
    uint32_t taken = 0;
    for (const uint32_t at : passes_at(devices, d, steps, waits)) {
      if (taken & (1U << at % kPeriod)) return true;
      taken |= 1U << at % kPeriod;
    }
  }
  return false;
}

// The shortest waits with which no two passes of a device fall together; there are some for both
// uses below, which the number of devices modulo 6 decides.
Waits shortest_waits(uint32_t devices, Steps steps) {
  for (uint32_t sum = 0; sum < 3 * kPeriod; ++sum) {
    for (uint32_t first = 0; first <= sum; ++first) {
      for (uint32_t second = 0; first + second <= sum; ++second) {
        const Waits waits = {first, second, sum - first - second};
        if (!collide(devices, steps, waits)) return waits;
      }
    }
  }
  return {};
}

Schedule repeated(uint32_t devices, uint32_t micro_batches, Steps steps) {
  Schedule s{.micro_batches = micro_batches, .device_of = v_shaped(devices), .order = {}};
  const Waits waits = shortest_waits(devices, steps);
  for (uint32_t d = 0; d < devices; ++d) {
    const std::array<uint32_t, 4> at = passes_at(devices, d, steps, waits);
    const uint32_t above = 2 * devices - 1 - d;
    std::vector<std::pair<uint64_t, Task>> passes;
    for (uint32_t j = 0; j < micro_batches; ++j) {
      const uint64_t begin = uint64_t{kPeriod} * j;
      passes.push_back({begin + at[0], {Kind::kForward, d, j}});
      passes.push_back({begin + at[1], {Kind::kForward, above, j}});
      passes.push_back({begin + at[2], {Kind::kInputGradient, above, j}});
      passes.push_back({begin + at[3], {Kind::kInputGradient, d, j}});
    }
    std::sort(passes.begin(), passes.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Task>& order = s.order.emplace_back();
    for (const auto& [time, task] : passes) {
      order.push_back(task);
      if (task.kind == Kind::kForward) continue;
      order.push_back({Kind::kWeightGradient, task.stage, task.micro_batch});
    }
  }
  return s;
}

}  // namespace

Schedule zb_v(uint32_t devices, uint32_t micro_batches) {
  Schedule s{.micro_batches = micro_batches, .device_of = v_shaped(devices), .order = {}};
  for (uint32_t d = 0; d < devices; ++d) {
    s.order.push_back(VDevice(devices, d, micro_batches).order());
  }
  return s;
}

Schedule v_half(uint32_t devices, uint32_t micro_batches) {
  return repeated(devices, micro_batches, {.down = 1, .up = 2});
}

Schedule v_min(uint32_t devices, uint32_t micro_batches) {
  return repeated(devices, micro_batches, {.down = 1, .up = 1});
}

}  // namespace moai::compiler::schedule
