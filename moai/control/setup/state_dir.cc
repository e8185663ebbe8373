#include "moai/control/setup/state_dir.h"

#include <arpa/inet.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "moai/base/file.h"
#include "moai/identity/token.h"

namespace moai::control {
namespace {

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool is_address(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

constexpr WriteOptions kPrivate{.mode = 0600, .synced = true};
constexpr WriteOptions kPublic{.mode = 0644, .synced = true};

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

Status make_private_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return ok_status();
  return unavailable("[control.setup] cannot make " + path + ": " + std::strerror(errno));
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
