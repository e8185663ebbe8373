#include "moai/control/setup/state_dir.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "moai/identity/token.h"

namespace moai::control {
namespace {

Status file_error(const std::string& what, const std::string& path) {
  const int error = errno;
  const std::string text =
      "[control.setup] cannot " + what + " " + path + ": " + std::strerror(error);
  if (error == ENOENT) return not_found(text);
  if (error == ENOSPC || error == EDQUOT) return resource_exhausted(text);
  if (error == EACCES || error == EPERM) return permission_denied(text);
  return unavailable(text);
}

Status write_all(int fd, const std::string& text, const std::string& path) {
  size_t at = 0;
  while (at < text.size()) {
    const ssize_t n = ::write(fd, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error("write", path);
    at += static_cast<size_t>(n);
  }
  return ::fsync(fd) == 0 ? ok_status() : file_error("write", path);
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool is_address(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

constexpr int kPrivate = 0600;
constexpr int kPublic = 0644;

Result<identity::KeyPair> read_pair(const std::string& dir, const std::string& name) {
  identity::KeyPair pair;
  MOAI_ASSIGN_OR_RETURN(pair.certificate, read_file(dir + "/" + name + ".pem"));
  MOAI_ASSIGN_OR_RETURN(pair.key, read_file(dir + "/" + name + ".key"));
  return pair;
}

Status write_pair(const std::string& dir, const std::string& name, const identity::KeyPair& pair) {
  MOAI_RETURN_IF_ERROR(write_file(dir + "/" + name + ".key", pair.key, kPrivate));
  return write_file(dir + "/" + name + ".pem", pair.certificate, kPublic);
}

}  // namespace

Status write_file(const std::string& path, const std::string& text, int mode) {
  const std::string beside = path + ".tmp." + std::to_string(::getpid());
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return file_error("write", beside);
  ::fchmod(fd, static_cast<mode_t>(mode));
  Status status = write_all(fd, text, beside);
  ::close(fd);
  if (status.ok() && ::rename(beside.c_str(), path.c_str()) != 0)
    status = file_error("write", path);
  if (!status.ok()) ::unlink(beside.c_str());
  return status;
}

Result<std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return file_error("read", path);
  std::string text;
  char block[4096];
  while (true) {
    const ssize_t n = ::read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const Status status = n == 0 ? ok_status() : file_error("read", path);
      ::close(fd);
      if (!status.ok()) return status;
      return text;
    }
    text.append(block, static_cast<size_t>(n));
  }
}

Status make_private_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return ok_status();
  return file_error("make", path);
}

Result<MasterCertificates> ensure_certificates(const std::string& dir, const std::string& host) {
  if (!exists(dir + "/ca.pem")) {
    MOAI_ASSIGN_OR_RETURN(const identity::KeyPair made, identity::make_ca("MoAI"));
    MOAI_RETURN_IF_ERROR(write_pair(dir, "ca", made));
  }
  identity::Subject master{"master", "master", {"localhost"}, {"127.0.0.1", "::1"}};
  if (is_address(host) && host != "127.0.0.1" && host != "::1" && host != "0.0.0.0")
    master.ips.push_back(host);
  else if (!host.empty() && host != "localhost" && !is_address(host))
    master.dns.push_back(host);
  const identity::Subject subjects[] = {master,
                                        {"agent", "*", {}, {}},
                                        {"worker", "*", {"localhost"}, {"127.0.0.1"}},
                                        {"admin", "admin", {}, {}}};
  for (const identity::Subject& subject : subjects) {
    if (exists(dir + "/" + subject.role + ".pem")) continue;
    MOAI_ASSIGN_OR_RETURN(const identity::KeyPair ca, read_pair(dir, "ca"));
    MOAI_ASSIGN_OR_RETURN(const identity::KeyPair pair, identity::issue(ca, subject));
    MOAI_RETURN_IF_ERROR(write_pair(dir, subject.role, pair));
  }
  MasterCertificates out;
  MOAI_ASSIGN_OR_RETURN(out.ca, read_file(dir + "/ca.pem"));
  MOAI_ASSIGN_OR_RETURN(out.master, read_pair(dir, "master"));
  return out;
}

Result<std::string> ensure_token_file(const std::string& path) {
  if (!exists(path)) {
    const std::string made = identity::make_token();
    MOAI_RETURN_IF_ERROR(write_file(path, made + "\n", kPrivate));
    return made;
  }
  MOAI_ASSIGN_OR_RETURN(std::string text, read_file(path));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  if (text.empty()) return invalid_argument("[control.setup] the token file is empty: " + path);
  return text;
}

}  // namespace moai::control
