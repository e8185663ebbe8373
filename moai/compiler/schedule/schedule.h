// A pipeline schedule as plain data: which device runs which task of which stage, in what order.
//
// A model is cut into consecutive stages; a device holds one of them, or several (chunks). Stage s
// sends activations to stage s + 1 and gradients to stage s - 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace moai::compiler::schedule {

// What a device does with one micro-batch in one stage. A backward is run whole, or in two parts.
enum class Kind : uint8_t {
  kForward,
  kBackward,        // both gradients; the stage before waits for its end
  kInputGradient,   // what the stage before waits for
  kWeightGradient,  // what only the optimizer waits for
};

struct Task {
  Kind kind = Kind::kForward;
  uint32_t stage = 0;
  uint32_t micro_batch = 0;
  bool operator==(const Task&) const = default;
};

struct Schedule {
  uint32_t micro_batches = 0;
  std::vector<uint32_t> device_of;       // stage → device
  std::vector<std::vector<Task>> order;  // device → its tasks, first to last

  size_t stages() const { return device_of.size(); }
  size_t devices() const { return order.size(); }
};

// Stage s on device s % devices. With one chunk: stage s on device s.
std::vector<uint32_t> looping(uint32_t devices, uint32_t chunks);

// Two stages a device: down from device 0 to the last and back up, so that the last stage lies
// where the first does.
std::vector<uint32_t> v_shaped(uint32_t devices);

// "F(stage 1, micro-batch 3)"; B, BI and BW for the backward and its two parts.
std::string to_string(const Task& task);

}  // namespace moai::compiler::schedule
