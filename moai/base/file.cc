#include "moai/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "moai/base/fd.h"

namespace moai {
namespace {

// Of errno.
Status file_error(const char* what, const std::string& path) {
  const int error = errno;
  const std::string text =
      std::string("[base.file] cannot ") + what + " " + path + ": " + std::strerror(error);
  if (error == ENOENT) return not_found(text);
  if (error == ENOSPC || error == EDQUOT) return resource_exhausted(text);
  if (error == EACCES || error == EPERM || error == EROFS) return permission_denied(text);
  return unavailable(text);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// A name that no other process or thread writes now.
std::string beside(const std::string& path) {
  static std::atomic<uint64_t> count{0};
  return path + ".new." + std::to_string(::getpid()) + "." + std::to_string(++count);
}

bool sync_folder(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd.valid() && ::fsync(fd.get()) == 0;
}

bool write_new(const std::string& path, std::string_view bytes, const WriteOptions& options) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, options.mode));
  return fd.valid() && ::fchmod(fd.get(), options.mode) == 0 && write_all(fd.get(), bytes) &&
         (!options.synced || ::fsync(fd.get()) == 0);
}

}  // namespace

Status write_file(const std::string& path, std::string_view bytes, WriteOptions options) {
  const std::string draft = beside(path);
  if (write_new(draft, bytes, options) && ::rename(draft.c_str(), path.c_str()) == 0) {
    return !options.synced || sync_folder(path) ? ok_status() : file_error("sync", path);
  }
  const Status failed = file_error("write", path);
  ::unlink(draft.c_str());
  return failed;
}

Result<std::string> read_file(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return file_error("read", path);
  std::string bytes;
  char block[16384];
  while (true) {
    const ssize_t n = ::read(fd.get(), block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error("read", path);
    if (n == 0) return bytes;
    bytes.append(block, static_cast<size_t>(n));
  }
}

}  // namespace moai
