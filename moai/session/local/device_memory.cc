#include "moai/session/local/device_memory.h"

#include <filesystem>

#include "moai/base/file.h"

namespace moai::session {

Status remember_device_memory(const std::string& state_dir, uint64_t bytes) {
  std::error_code made;  // the write below tells what is wrong
  std::filesystem::create_directories(state_dir, made);
  return write_file(state_dir + "/device_memory", std::to_string(bytes) + "\n");
}

}  // namespace moai::session
