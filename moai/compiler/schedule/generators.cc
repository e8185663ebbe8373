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

}  // namespace moai::compiler::schedule
