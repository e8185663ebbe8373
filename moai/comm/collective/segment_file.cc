#include "moai/comm/collective/segment_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

namespace moai::comm {
namespace {

constexpr char kPrefix[] = "moai-collective-";
constexpr std::chrono::seconds kOpenWithin{10};
// All ranks may try at once, and together need more room than the one file that stays.
constexpr std::chrono::seconds kRoomWithin{1};

std::string error_text(int error) { return std::strerror(error); }

Status system_error(const std::string& what, const std::string& path) {
  return internal_error("[comm.collective] cannot " + what + " " + path + ": " + error_text(errno));
}

Status check_name(const std::string& name) {
  const bool plain =
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
      std::string::npos;
  if (plain && !name.empty() && name.size() <= 200) return ok_status();
  return invalid_argument("[comm.collective] '" + name +
                          "' names no segment: 1 to 200 letters, digits and -_. are allowed");
}

Status no_room(const std::string& folder, size_t bytes) {
  struct statvfs room = {};
  const bool known = ::statvfs(folder.c_str(), &room) == 0;
  const uint64_t free_bytes = known ? uint64_t{room.f_bavail} * room.f_frsize : 0;
  return resource_exhausted("[comm.collective] no room for a segment in " + folder + ": it needs " +
                            std::to_string(bytes >> 10) + " KiB, there are " +
                            std::to_string(free_bytes >> 10) +
                            " KiB; remove files there, or enlarge it (a container: --shm-size)");
}

// True when nobody holds the file: its processes were killed. The caller then holds it alone.
bool abandoned(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) == 0; }

bool has_name(int fd) {
  struct stat about = {};
  return ::fstat(fd, &about) == 0 && about.st_nlink > 0;
}

Result<bool> is_own(int fd, const std::string& path) {
  struct stat about = {};
  if (::fstat(fd, &about) != 0) return system_error("look at", path);
  if (!S_ISREG(about.st_mode)) return false;
  return about.st_uid == ::geteuid();
}

Fd open_existing(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
}

// What killed processes of this user left behind under other names.
void sweep(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const Fd fd = open_existing(entry.path());
    if (!fd.valid()) continue;
    const auto own = is_own(fd.get(), entry.path());
    if (own.ok() && *own && abandoned(fd.get())) ::unlink(entry.path().c_str());
  }
}

// The file under its name, locked; an invalid one when there is none, or none that lives.
Result<Fd> find(const std::string& path) {
  Fd fd = open_existing(path);
  if (!fd.valid()) {
    if (errno == ENOENT) return Fd();
    if (errno != EACCES && errno != ELOOP) return system_error("open", path);
    return permission_denied("[comm.collective] " + path +
                             " is not this user's: choose another name for the group");
  }
  MOAI_ASSIGN_OR_RETURN(const bool own, is_own(fd.get(), path));
  if (!own) {
    return permission_denied("[comm.collective] " + path +
                             " is not this user's: choose another name for the group");
  }
  if (abandoned(fd.get())) {
    ::unlink(path.c_str());
    return Fd();
  }
  // Without a lock or a name somebody else is just removing it.
  if (::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 || !has_name(fd.get())) return Fd();
  return fd;
}

Result<Fd> make_nameless(const std::string& folder, size_t bytes) {
  Fd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd.valid()) return system_error("make a file in", folder);
  const int error = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes));
  if (error == ENOSPC || error == EFBIG || error == ENOMEM) return no_room(folder, bytes);
  errno = error;
  if (error != 0) return system_error("reserve memory in", folder);
  if (::flock(fd.get(), LOCK_SH | LOCK_NB) != 0) return system_error("lock a file in", folder);
  return fd;
}

// False when the name is taken.
Result<bool> give_name(int fd, const std::string& path) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  if (::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
  if (errno == EEXIST) return false;
  return system_error("name", path);
}

}  // namespace

Status SegmentFile::map() {
  struct stat about = {};
  if (::fstat(fd_.get(), &about) != 0) return system_error("look at", path_);
  bytes_ = static_cast<size_t>(about.st_size);
  void* data = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (data == MAP_FAILED) return system_error("map", path_);
  data_ = static_cast<std::byte*>(data);
  return ok_status();
}

Result<std::optional<SegmentFile>> SegmentFile::make(
    const std::string& folder, const std::string& path, size_t bytes,
    const std::function<void(std::byte*)>& prepare) {
  MOAI_ASSIGN_OR_RETURN(Fd fd, make_nameless(folder, bytes));
  SegmentFile file(path, std::move(fd));
  MOAI_RETURN_IF_ERROR(file.map());
  prepare(file.data_);
  MOAI_ASSIGN_OR_RETURN(const bool named, give_name(file.fd_.get(), path));
  if (!named) return std::optional<SegmentFile>();
  return std::optional<SegmentFile>(std::move(file));
}

Result<SegmentFile> SegmentFile::open(const std::string& folder, const std::string& name,
                                      size_t bytes,
                                      const std::function<void(std::byte*)>& prepare) {
  MOAI_RETURN_IF_ERROR(check_name(name));
  const std::string path = folder + "/" + kPrefix + name;
  const auto start = std::chrono::steady_clock::now();
  for (auto now = start; now < start + kOpenWithin; now = std::chrono::steady_clock::now()) {
    MOAI_ASSIGN_OR_RETURN(Fd found, find(path));
    if (found.valid()) {
      SegmentFile file(path, std::move(found));
      MOAI_RETURN_IF_ERROR(file.map());
      return file;
    }
    sweep(folder);
    auto made = make(folder, path, bytes, prepare);
    if (!made.ok()) {
      const bool no_room = made.status().code() == Code::kResourceExhausted;
      if (!no_room || now > start + kRoomWithin) return made.status();
    } else if (*made) {
      return **std::move(made);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return deadline_exceeded("[comm.collective] " + path +
                           " was made and removed again and again; is its name used twice?");
}

SegmentFile::SegmentFile(SegmentFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(other.bytes_) {}

SegmentFile::~SegmentFile() {
  if (data_) ::munmap(data_, bytes_);
}

void SegmentFile::unlink() const {
  if (has_name(fd_.get())) ::unlink(path_.c_str());
}

}  // namespace moai::comm
