// Link: ordered, reliable frames between two processes. Listener: where Links come from.
//
// Addresses: "unix:/path", "tcp:host:port", "tls:host:port" (port 0: the listener chooses,
// address() tells). A frame is a byte string of at most kFrameBytesMax.
//
// Threads: one thread may send while another receives; close() from any thread wakes both, which
// then return CANCELLED. Nothing here installs signal handlers; a closed peer is a Status, never
// SIGPIPE. File descriptors are close-on-exec. After fork the child must only drop the object (the
// destructor closes the child's copies without a goodbye).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "moai/base/status.h"

namespace moai::comm {

inline constexpr uint64_t kFrameBytesMax = uint64_t{1} << 30;

using Deadline = std::chrono::steady_clock::time_point;

// Called about every 100 ms of waiting; a non-OK status ends the wait with it. May be empty.
using Interrupt = std::function<Status()>;

class Link {
 public:
  virtual ~Link() = default;

  // Sends one frame, the concatenation of `parts`. Blocks while the peer does not read; fails with
  // DEADLINE_EXCEEDED when no byte could be sent for `stall` (a dead or stopped peer), with
  // UNAVAILABLE when the peer is gone. After any failure the link is broken for good.
  virtual Status send(std::span<const std::string_view> parts, std::chrono::milliseconds stall) = 0;

  // Receives the next frame. Spins at most 50 us, then sleeps. DEADLINE_EXCEEDED leaves the link
  // usable when nothing of a frame had arrived; UNAVAILABLE: the peer is gone; DATA_LOSS: a
  // malformed or oversized header.
  virtual Result<std::string> receive(Deadline deadline, const Interrupt& interrupt) = 0;

  // True when a frame can be received without waiting. Only from the receiving thread.
  virtual bool readable() = 0;

  virtual void close() = 0;
  // "unix:/run/x (pid 12)" or "tcp:10.0.0.3:4123", for messages.
  virtual std::string peer() const = 0;
  // The kernel tells at once when the peer ended, so silence means that it is slow or stopped, not
  // that its machine vanished.
  virtual bool same_machine() const = 0;
  // Bytes and frames since the link was made, both ways.
  struct Counters {
    uint64_t frames_sent = 0, bytes_sent = 0, frames_received = 0, bytes_received = 0;
  };
  virtual Counters counters() const = 0;
  // The socket, for a forked child that must close its copy without touching anything else; -1
  // where there is none.
  virtual int descriptor() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;
  // The next peer; one at a time. Fails like Link::receive.
  virtual Result<std::unique_ptr<Link>> accept(Deadline deadline, const Interrupt& interrupt) = 0;
  virtual std::string address() const = 0;
  virtual void close() = 0;
};

// PEM texts for "tls:" addresses; unused otherwise. A connecting side needs `ca` and checks the
// peer's certificate against it and against `peer_name` (empty: the CA is enough). A listener needs
// `certificate` and `key`; with `ca` it asks for a certificate of the peer. The listener's side
// completes the TLS handshake within the first send or receive, so that accept never waits for it.
struct TlsOptions {
  std::string ca, certificate, key, peer_name;
};

Result<std::unique_ptr<Listener>> listen(const std::string& address, const TlsOptions& tls = {});
Result<std::unique_ptr<Link>> connect(const std::string& address, Deadline deadline,
                                      const TlsOptions& tls = {});

}  // namespace moai::comm
