#include "moai/session/local/device_memory.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace moai::session {

Status remember_device_memory(const std::string& state_dir, uint64_t bytes) {
  std::error_code made;  // the write below tells what is wrong
  std::filesystem::create_directories(state_dir, made);
  const std::string path = state_dir + "/device_memory";
  const std::string draft = path + "." + std::to_string(::getpid());
  std::ofstream file(draft, std::ios::trunc);
  file << bytes << "\n";
  file.close();
  if (file && ::rename(draft.c_str(), path.c_str()) == 0) return ok_status();
  const int error = errno;
  ::unlink(draft.c_str());
  return unavailable("[session.local] cannot write " + path + ": " + std::strerror(error));
}

}  // namespace moai::session
