// Sockets by address: "unix:/path", "tcp:host:port", "tls:host:port"; internal to links.
//
// All are non-blocking, close-on-exec; TCP ones have TCP_NODELAY and keepalive.
#pragma once

#include <string>

#include "moai/base/fd.h"
#include "moai/base/status.h"
#include "moai/comm/link/link.h"
#include "moai/comm/link/wait.h"

namespace moai::comm {

struct Address {
  enum class Kind { kUnix, kTcp, kTls };
  Kind kind = Kind::kUnix;
  std::string path;  // kUnix
  std::string host;  // may be empty when listening: every interface
  std::string port;
};
Result<Address> parse_address(const std::string& text);

struct ListeningSocket {
  Fd fd;
  std::string address;  // with the port that was chosen
};
// ALREADY_EXISTS when somebody listens there; a socket file nobody listens on is replaced.
Result<ListeningSocket> listen_socket(const Address& address);
// UNAVAILABLE when nobody listens there.
Result<Fd> connect_socket(const Address& address, Deadline deadline);

void set_stream_options(int fd, Address::Kind kind);
// "unix:/run/x (pid 12)", "tcp:10.0.0.3:4123".
std::string describe_peer(int fd, const Address& address);

}  // namespace moai::comm
