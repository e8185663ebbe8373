// Pairs of connected links of every kind, for tests of the Link contract.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "moai/comm/link/link.h"

namespace moai::comm {

// A directory that ends with its object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct LinkPair {
  std::unique_ptr<Link> client;
  std::unique_ptr<Link> server;
};

// Certificates of a "tls:" listener at 127.0.0.1 and of those who connect to it.
struct TlsPair {
  TlsOptions server;
  TlsOptions client;
};
TlsPair make_tls();

// `kind` is "memory", "unix", "tcp" or "tls".
LinkPair make_links(const std::string& kind);

// Sends or receives one frame with ample time; a failure to receive fails the test.
Status send_text(Link* link, std::string_view text);
std::string receive_text(Link* link);

inline Deadline in_ms(int64_t ms) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
}

}  // namespace moai::comm
