// TlsStream: TLS 1.3 over a connected socket, without blocking. OpenSSL stays behind this header.
//
// The caller owns the descriptor, has set it non-blocking and waits on it: every call either makes
// progress or says what to wait for. One thread at a time per stream (a connection that sends and
// receives on two threads holds a lock around each call; none of them blocks). The descriptor is
// not closed by the stream and must outlive it. No SIGPIPE: the caller's process ignores it or the
// stream writes with MSG_NOSIGNAL (it does).
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "moai/base/status.h"

namespace moai::identity {

// PEM texts. `ca` empty: the peer is not checked (server: no client certificate is asked for).
struct TlsCredentials {
  std::string ca;
  std::string certificate;  // with its key; a client may leave both empty
  std::string key;
};

class TlsStream {
 public:
  enum class Want { kNone, kRead, kWrite };
  // `bytes` moved; when it is 0 wait until the descriptor is ready for `want`, then call again with
  // the same arguments.
  struct Io {
    size_t bytes = 0;
    Want want = Want::kNone;
  };

  // With `credentials.ca` the client must show a certificate that this CA issued.
  static Result<std::unique_ptr<TlsStream>> server(int fd, const TlsCredentials& credentials);
  // Checks the server's certificate against the CA and `peer_name` (DNS name or IP address; empty:
  // the name is not checked, the CA is).
  static Result<std::unique_ptr<TlsStream>> client(int fd, const TlsCredentials& credentials,
                                                   const std::string& peer_name);
  virtual ~TlsStream() = default;

  // kNone: done. UNAUTHENTICATED: the peer's certificate is refused; UNAVAILABLE: the peer is gone.
  virtual Result<Want> handshake() = 0;
  // UNAVAILABLE: the peer closed. DATA_LOSS: the bytes are not what the peer sent.
  virtual Result<Io> read(void* data, size_t size) = 0;
  virtual Result<Io> write(const void* data, size_t size) = 0;
  // Decrypted bytes wait inside, so read() returns them though the descriptor is not readable.
  virtual bool pending() const = 0;
  // PEM of the peer's certificate after the handshake, empty if it showed none.
  virtual std::string peer_certificate() const = 0;
  // Says goodbye without waiting. Errors are ignored: the connection ends anyhow.
  virtual void shutdown() = 0;
};

}  // namespace moai::identity
