#include "moai/compiler/schedule/schedule.h"

namespace moai::compiler::schedule {
namespace {

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::kForward:
      return "F";
    case Kind::kBackward:
      return "B";
    case Kind::kInputGradient:
      return "BI";
    case Kind::kWeightGradient:
      return "BW";
  }
  return "?";
}

}  // namespace

std::vector<uint32_t> looping(uint32_t devices, uint32_t chunks) {
  std::vector<uint32_t> device_of;
  device_of.reserve(size_t{devices} * chunks);
  for (uint32_t chunk = 0; chunk < chunks; ++chunk) {
    for (uint32_t d = 0; d < devices; ++d) device_of.push_back(d);
  }
  return device_of;
}

std::vector<uint32_t> v_shaped(uint32_t devices) {
  std::vector<uint32_t> device_of = looping(devices, 1);
  device_of.insert(device_of.end(), device_of.rbegin(), device_of.rend());
  return device_of;
}

std::string to_string(const Task& task) {
  return std::string(name_of(task.kind)) + "(stage " + std::to_string(task.stage) +
         ", micro-batch " + std::to_string(task.micro_batch) + ")";
}

}  // namespace moai::compiler::schedule
