#include "moai/toolkit/known_accelerators.h"

#include <fstream>

#include "moai/base/file.h"
#include "moai/base/log.h"

namespace moai::toolkit {
namespace {

std::string path_in(const std::string& state_dir) { return state_dir + "/known_accelerators"; }

}  // namespace

void remember_accelerators(const Platform& platform, const v1::Accelerators& accelerators) {
  if (!platform.local) return;
  v1::Accelerators idle = accelerators;
  for (v1::Accelerator& accelerator : *idle.mutable_accelerators()) {
    accelerator.clear_processes();
    accelerator.clear_devices();
    accelerator.clear_memory_used_bytes();
    accelerator.clear_utilization();
  }
  const Status written = write_file(path_in(platform.state_dir), idle.SerializeAsString());
  if (!written.ok()) log_debug(written.message());
}

std::optional<v1::Accelerators> known_accelerators(const std::string& state_dir) {
  std::ifstream file(path_in(state_dir), std::ios::binary);
  v1::Accelerators accelerators;
  if (!file || !accelerators.ParseFromIstream(&file)) return std::nullopt;
  if (accelerators.accelerators_size() == 0) return std::nullopt;
  return accelerators;
}

}  // namespace moai::toolkit
