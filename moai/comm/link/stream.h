// Stream: bytes over a connected, non-blocking socket, plain or encrypted; internal to links.
//
// No call blocks: each moves bytes or says which readiness of fd() to wait for. Calls may come from
// two threads, one reading and one writing.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>

#include "moai/base/fd.h"
#include "moai/base/status.h"
#include "moai/comm/link/link.h"

namespace moai::comm {

enum class Want { kNone, kRead, kWrite };

class Stream {
 public:
  // With 0 bytes, wait until the socket is ready for `want`, then call again with the same bytes.
  struct Io {
    size_t bytes = 0;
    Want want = Want::kNone;
  };

  virtual ~Stream() = default;
  virtual int fd() const = 0;
  // Whatever must be said before the first byte; kNone: done. Idempotent.
  virtual Result<Want> handshake() = 0;
  // UNAVAILABLE: the peer is gone.
  virtual Result<Io> read(char* data, size_t size) = 0;
  // Writes from the concatenation of `parts`, none of which is empty.
  virtual Result<Io> write(std::span<const iovec> parts) = 0;
  // Tells the peer that this end is closed.
  virtual void shutdown() = 0;
};

std::unique_ptr<Stream> plain_stream(Fd fd);
Result<std::unique_ptr<Stream>> tls_server_stream(Fd fd, const TlsOptions& tls);
Result<std::unique_ptr<Stream>> tls_client_stream(Fd fd, const TlsOptions& tls);

}  // namespace moai::comm
