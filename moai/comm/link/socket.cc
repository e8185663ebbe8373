#include "moai/comm/link/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

namespace moai::comm {
namespace {

constexpr int kBacklog = 128;
constexpr int kFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

std::string reason() { return std::strerror(errno); }

std::string_view scheme(Address::Kind kind) {
  switch (kind) {
    case Address::Kind::kTcp:
      return "tcp:";
    case Address::Kind::kTls:
      return "tls:";
    default:
      return "unix:";
  }
}

std::string to_string(const Address& a) {
  if (a.kind == Address::Kind::kUnix) return "unix:" + a.path;
  const bool v6 = a.host.find(':') != std::string::npos;
  return std::string(scheme(a.kind)) + (v6 ? "[" + a.host + "]" : a.host) + ":" + a.port;
}

Result<sockaddr_un> unix_address(const Address& address) {
  sockaddr_un out = {};
  out.sun_family = AF_UNIX;
  if (address.path.empty() || address.path.size() >= sizeof out.sun_path) {
    return invalid_argument("[comm.link] a socket path has 1 to " +
                            std::to_string(sizeof out.sun_path - 1) + " bytes: " + address.path);
  }
  std::memcpy(out.sun_path, address.path.data(), address.path.size());
  return out;
}

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<AddressList> resolve(const Address& address, int flags) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const char* host = address.host.empty() ? nullptr : address.host.c_str();
  const int error = ::getaddrinfo(host, address.port.c_str(), &hints, &list);
  if (error != 0) {
    return unavailable("[comm.link] cannot resolve " + to_string(address) + ": " +
                       ::gai_strerror(error));
  }
  return AddressList(list, &::freeaddrinfo);
}

// "10.0.0.3:4123" or "[fe80::1]:4123" of one end of a socket.
Address numeric(const sockaddr_storage& a, socklen_t size, Address::Kind kind) {
  std::array<char, NI_MAXHOST> host = {};
  std::array<char, NI_MAXSERV> port = {};
  const int error =
      ::getnameinfo(reinterpret_cast<const sockaddr*>(&a), size, host.data(), host.size(),
                    port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV);
  if (error != 0) return {.kind = kind, .path = {}, .host = "?", .port = "?"};
  return {.kind = kind, .path = {}, .host = host.data(), .port = port.data()};
}

Status finish_connect(int fd, Deadline deadline) {
  const Waker never;
  const Interrupt none;
  Patience patience(deadline, none);
  MOAI_RETURN_IF_ERROR(wait_ready(fd, Want::kWrite, never, &patience));
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? ok_status() : unavailable(std::strerror(error));
}

Result<Fd> connect_unix(const Address& address, Deadline deadline) {
  MOAI_ASSIGN_OR_RETURN(const sockaddr_un to, unix_address(address));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | kFlags, 0));
  if (!fd.valid()) return resource_exhausted("[comm.link] no socket: " + reason());
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    const bool full = errno == EAGAIN;
    if (!full && errno != EINTR) {
      return unavailable("[comm.link] cannot connect to " + to_string(address) + ": " + reason());
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return deadline_exceeded("[comm.link] nobody accepts at " + to_string(address));
    }
    // A full backlog has no readiness to wait for.
    if (full) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return fd;
}

Result<Fd> connect_tcp(const Address& address, Deadline deadline) {
  MOAI_ASSIGN_OR_RETURN(const AddressList list, resolve(address, 0));
  Status last = unavailable("no address");
  for (const addrinfo* a = list.get(); a; a = a->ai_next) {
    Fd fd(::socket(a->ai_family, a->ai_socktype | kFlags, a->ai_protocol));
    if (!fd.valid()) {
      last = unavailable(reason());
      continue;
    }
    set_stream_options(fd.get(), address.kind);
    if (::connect(fd.get(), a->ai_addr, a->ai_addrlen) == 0) return fd;
    last = errno == EINPROGRESS ? finish_connect(fd.get(), deadline) : unavailable(reason());
    if (last.ok()) return fd;
  }
  return Status(last.code(),
                "[comm.link] cannot connect to " + to_string(address) + ": " + last.message());
}

bool is_socket(const std::string& path) {
  struct stat facts = {};
  return ::lstat(path.c_str(), &facts) == 0 && S_ISSOCK(facts.st_mode);
}

// Removes a socket file whose owner is gone.
Status clear_abandoned(const Address& address) {
  if (!is_socket(address.path)) {
    return already_exists("[comm.link] there is a file at " + address.path);
  }
  const auto alive = connect_unix(address, std::chrono::steady_clock::now());
  if (alive.status().code() != Code::kUnavailable) {
    return already_exists("[comm.link] somebody listens at " + to_string(address));
  }
  if (::unlink(address.path.c_str()) != 0 && errno != ENOENT) {
    return permission_denied("[comm.link] cannot remove " + address.path + ": " + reason());
  }
  return ok_status();
}

Result<ListeningSocket> listen_unix(const Address& address) {
  MOAI_ASSIGN_OR_RETURN(const sockaddr_un at, unix_address(address));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | kFlags, 0));
  if (!fd.valid()) return resource_exhausted("[comm.link] no socket: " + reason());
  const auto bind = [&] {
    return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  };
  bool bound = bind();
  if (!bound && errno == EADDRINUSE) {
    MOAI_RETURN_IF_ERROR(clear_abandoned(address));
    bound = bind();
  }
  // Nobody can connect before listen(), so the file is private from its first use.
  if (!bound || ::chmod(address.path.c_str(), 0600) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return unavailable("[comm.link] cannot listen at " + to_string(address) + ": " + reason());
  }
  return ListeningSocket{std::move(fd), to_string(address)};
}

Result<ListeningSocket> listen_tcp(const Address& address) {
  MOAI_ASSIGN_OR_RETURN(const AddressList list, resolve(address, AI_PASSIVE));
  int error = 0;
  for (const addrinfo* a = list.get(); a; a = a->ai_next) {
    Fd fd(::socket(a->ai_family, a->ai_socktype | kFlags, a->ai_protocol));
    const int on = 1;
    if (!fd.valid() || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(fd.get(), a->ai_addr, a->ai_addrlen) != 0 || ::listen(fd.get(), kBacklog) != 0) {
      error = errno;
      continue;
    }
    sockaddr_storage bound = {};
    socklen_t size = sizeof bound;
    if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
      return internal_error("[comm.link] getsockname failed: " + reason());
    }
    Address named = numeric(bound, size, address.kind);
    if (!address.host.empty()) named.host = address.host;
    return ListeningSocket{std::move(fd), to_string(named)};
  }
  const std::string text = "[comm.link] cannot listen at " + to_string(address) + ": ";
  if (error == EADDRINUSE) return already_exists(text + "somebody listens there");
  return unavailable(text + std::strerror(error));
}

}  // namespace

Result<Address> parse_address(const std::string& text) {
  const auto bad = [&](const char* why) {
    return invalid_argument("[comm.link] not an address, " + std::string(why) + ": \"" + text +
                            "\"; write unix:/path, tcp:host:port or tls:host:port");
  };
  Address a;
  if (text.starts_with("unix:")) {
    a.path = text.substr(5);
    if (a.path.empty()) return bad("the path is missing");
    return a;
  }
  if (!text.starts_with("tcp:") && !text.starts_with("tls:")) return bad("the scheme is unknown");
  a.kind = text.starts_with("tcp:") ? Address::Kind::kTcp : Address::Kind::kTls;
  const size_t colon = text.rfind(':');
  if (colon < 4) return bad("the port is missing");
  a.host = text.substr(4, colon - 4);
  a.port = text.substr(colon + 1);
  if (a.host.starts_with('[') && a.host.ends_with(']'))
    a.host = a.host.substr(1, a.host.size() - 2);
  const bool digits = !a.port.empty() && a.port.size() <= 5 &&
                      a.port.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoi(a.port) > 65535) return bad("the port is no number up to 65535");
  return a;
}

Result<ListeningSocket> listen_socket(const Address& address) {
  return address.kind == Address::Kind::kUnix ? listen_unix(address) : listen_tcp(address);
}

Result<Fd> connect_socket(const Address& address, Deadline deadline) {
  return address.kind == Address::Kind::kUnix ? connect_unix(address, deadline)
                                              : connect_tcp(address, deadline);
}

void set_stream_options(int fd, Address::Kind kind) {
  if (kind == Address::Kind::kUnix) return;
  // Each only tunes; a kernel that refuses one still carries the bytes.
  const auto set = [fd](int level, int name, int value) {
    (void)::setsockopt(fd, level, name, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

std::string describe_peer(int fd, const Address& address) {
  if (address.kind == Address::Kind::kUnix) {
    ucred peer = {};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return to_string(address);
    return to_string(address) + " (pid " + std::to_string(peer.pid) + ")";
  }
  sockaddr_storage peer = {};
  socklen_t size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return to_string(address);
  return to_string(numeric(peer, size, address.kind));
}

}  // namespace moai::comm
