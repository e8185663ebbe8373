#include "moai/compiler/schedule/generators.h"

#include <algorithm>
#include <utility>

namespace moai::compiler::schedule {
namespace {

std::vector<uint32_t> narrow_warm_ups(uint32_t devices) {
  std::vector<uint32_t> warm_ups(devices);
  for (uint32_t d = 0; d < devices; ++d) warm_ups[d] = devices - d;
  return warm_ups;
}

// One chunk a device. The weight gradient of micro-batch j follows the input gradient of j +
// lag[d].
Schedule split_by_turns(const std::vector<uint32_t>& warm_ups, const std::vector<uint32_t>& lags,
                        uint32_t micro_batches) {
  const auto devices = static_cast<uint32_t>(warm_ups.size());
  Schedule s{.micro_batches = micro_batches, .device_of = looping(devices, 1), .order = {}};
  s.order.resize(devices);
  for (uint32_t d = 0; d < devices; ++d) {
    std::vector<Task>& order = s.order[d];
    uint32_t forward = 0;
    uint32_t weight = 0;
    const auto put_forward = [&] {
      if (forward < micro_batches) order.push_back({Kind::kForward, d, forward++});
    };
    while (forward < std::min(micro_batches, warm_ups[d])) put_forward();
    for (uint32_t j = 0; j < micro_batches; ++j) {
      order.push_back({Kind::kInputGradient, d, j});
      if (j >= lags[d]) order.push_back({Kind::kWeightGradient, d, weight++});
      put_forward();
    }
    while (weight < micro_batches) order.push_back({Kind::kWeightGradient, d, weight++});
  }
  return s;
}

struct Pass {
  uint32_t chunk;
  uint32_t micro_batch;
};

// The order in which every device takes its chunks and micro-batches forward; backward chunks turn
// round.
std::vector<Pass> passes_of(uint32_t chunks, const std::vector<uint32_t>& groups) {
  std::vector<Pass> passes;
  uint32_t first = 0;
  for (const uint32_t size : groups) {
    for (uint32_t chunk = 0; chunk < chunks; ++chunk) {
      for (uint32_t j = 0; j < size; ++j) passes.push_back({chunk, first + j});
    }
    first += size;
  }
  return passes;
}

// As many groups of at least `least` as there can be, the longer ones first.
std::vector<uint32_t> groups_of(uint32_t micro_batches, uint32_t least) {
  const uint32_t count = std::max(1U, micro_batches / least);
  std::vector<uint32_t> groups(count, micro_batches / count);
  for (uint32_t g = 0; g < micro_batches % count; ++g) ++groups[g];
  return groups;
}

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

}  // namespace

Schedule by_turns(const std::vector<uint32_t>& warm_ups, uint32_t micro_batches) {
  const auto devices = static_cast<uint32_t>(warm_ups.size());
  Schedule s{.micro_batches = micro_batches, .device_of = looping(devices, 1), .order = {}};
  s.order.resize(devices);
  for (uint32_t d = 0; d < devices; ++d) {
    uint32_t forward = 0;
    const uint32_t warm_up = std::min(micro_batches, warm_ups[d]);
    while (forward < warm_up) s.order[d].push_back({Kind::kForward, d, forward++});
    for (uint32_t j = 0; j < micro_batches; ++j) {
      s.order[d].push_back({Kind::kBackward, d, j});
      if (forward < micro_batches) s.order[d].push_back({Kind::kForward, d, forward++});
    }
  }
  return s;
}

Schedule gpipe(uint32_t devices, uint32_t micro_batches) {
  return by_turns(std::vector<uint32_t>(devices, micro_batches), micro_batches);
}

Schedule one_forward_one_backward(uint32_t devices, uint32_t micro_batches) {
  return by_turns(narrow_warm_ups(devices), micro_batches);
}

Schedule interleaved(uint32_t devices, uint32_t chunks, uint32_t micro_batches, uint32_t group) {
  if (devices == 0 || chunks == 0 || micro_batches == 0) return {};
  const std::vector<uint32_t> groups =
      groups_of(micro_batches, group == 0 ? devices : std::max(group, devices));
  const std::vector<Pass> passes = passes_of(chunks, groups);
  Schedule s{.micro_batches = micro_batches, .device_of = looping(devices, chunks), .order = {}};
  s.order.resize(devices);
  for (uint32_t d = 0; d < devices; ++d) {
    const size_t warm_up = 2 * (devices - 1 - d) + (chunks - 1) * groups[0];
    size_t next = 0;
    const auto put_forward = [&] {
      if (next == passes.size()) return;
      const Pass& f = passes[next++];
      s.order[d].push_back({Kind::kForward, f.chunk * devices + d, f.micro_batch});
    };
    while (next < std::min(warm_up, passes.size())) put_forward();
    for (const Pass& b : passes) {
      put_forward();
      const uint32_t chunk = chunks - 1 - b.chunk;
      s.order[d].push_back({Kind::kBackward, chunk * devices + d, b.micro_batch});
    }
  }
  return s;
}

Schedule zb_h1(uint32_t devices, uint32_t micro_batches) {
  return split_by_turns(narrow_warm_ups(devices), looping(devices, 1), micro_batches);
}

Schedule zb_h2(uint32_t devices, uint32_t micro_batches) {
  std::vector<uint32_t> warm_ups = narrow_warm_ups(devices);
  std::vector<uint32_t> lags = looping(devices, 1);
  for (uint32_t& w : warm_ups) w = 2 * w - 1;
  for (uint32_t& lag : lags) lag *= 2;
  return split_by_turns(warm_ups, lags, micro_batches);
}

Schedule zb_v(uint32_t devices, uint32_t micro_batches) {
  Schedule s{.micro_batches = micro_batches, .device_of = v_shaped(devices), .order = {}};
  for (uint32_t d = 0; d < devices; ++d) {
    s.order.push_back(VDevice(devices, d, micro_batches).order());
  }
  return s;
}

}  // namespace moai::compiler::schedule
