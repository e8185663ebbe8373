// Channel: a connection to SDAManager that reconnects by itself, with the caller's credentials.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "moai/base/status.h"

namespace moai::rpc {

struct ChannelOptions {
  std::string address;  // "host:port"
  std::string ca;       // PEM of the CA that issued the server's certificate; empty: no TLS
  std::string certificate, key;  // PEM, where the caller has them (agents, admins)
  std::string token;             // sent with every call when not empty
  std::string server_name;       // expected in the server's certificate; empty: the address's host
};

class Channel {
 public:
  static Result<std::shared_ptr<Channel>> open(const ChannelOptions& options);
  virtual ~Channel() = default;

  // Blocks until connected; UNAVAILABLE at the deadline.
  virtual Status wait_connected(std::chrono::steady_clock::time_point deadline) = 0;
  virtual const ChannelOptions& options() const = 0;
};

}  // namespace moai::rpc
