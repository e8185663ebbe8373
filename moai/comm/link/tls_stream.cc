#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "moai/comm/link/stream.h"
#include "moai/identity/tls.h"

namespace moai::comm {
namespace {

constexpr size_t kRecordBytes = 16 * 1024;  // the most that one TLS record carries

Want from(identity::TlsStream::Want want) {
  switch (want) {
    case identity::TlsStream::Want::kRead:
      return Want::kRead;
    case identity::TlsStream::Want::kWrite:
      return Want::kWrite;
    default:
      return Want::kNone;
  }
}

class TlsSocketStream final : public Stream {
 public:
  TlsSocketStream(Fd fd, std::unique_ptr<identity::TlsStream> tls)
      : fd_(std::move(fd)), tls_(std::move(tls)), record_(kRecordBytes) {}

  int fd() const override { return fd_.get(); }

  Result<Want> handshake() override {
    const std::lock_guard lock(mutex_);
    MOAI_ASSIGN_OR_RETURN(const identity::TlsStream::Want want, tls_->handshake());
    return from(want);
  }

  Result<Io> read(char* data, size_t size) override {
    const std::lock_guard lock(mutex_);
    MOAI_ASSIGN_OR_RETURN(const identity::TlsStream::Io io, tls_->read(data, size));
    return Io{io.bytes, from(io.want)};
  }

  // Small parts travel in one record; a retry gathers the same bytes again.
  Result<Io> write(std::span<const iovec> parts) override {
    const void* data = parts[0].iov_base;
    size_t size = parts[0].iov_len;
    if (size < kRecordBytes && parts.size() > 1) {
      size = 0;
      for (const iovec& part : parts) {
        const size_t n = std::min(part.iov_len, kRecordBytes - size);
        std::memcpy(record_.data() + size, part.iov_base, n);
        size += n;
        if (size == kRecordBytes) break;
      }
      data = record_.data();
    }
    const std::lock_guard lock(mutex_);
    MOAI_ASSIGN_OR_RETURN(const identity::TlsStream::Io io, tls_->write(data, size));
    return Io{io.bytes, from(io.want)};
  }

  void shutdown() override {
    const std::lock_guard lock(mutex_);
    tls_->shutdown();
    ::shutdown(fd_.get(), SHUT_RDWR);
  }

 private:
  Fd fd_;
  std::mutex mutex_;                          // held for one call at a time, none of which blocks
  std::unique_ptr<identity::TlsStream> tls_;  // guarded by mutex_; ends before fd_
  std::vector<char> record_;                  // of the writing thread
};

Result<std::unique_ptr<Stream>> wrap(Fd fd, Result<std::unique_ptr<identity::TlsStream>> tls) {
  if (!tls.ok()) return tls.status();
  return std::unique_ptr<Stream>(
      std::make_unique<TlsSocketStream>(std::move(fd), std::move(tls).value()));
}

}  // namespace

Result<std::unique_ptr<Stream>> tls_server_stream(Fd fd, const TlsOptions& tls) {
  const int socket = fd.get();
  return wrap(std::move(fd),
              identity::TlsStream::server(
                  socket, {.ca = tls.ca, .certificate = tls.certificate, .key = tls.key}));
}

Result<std::unique_ptr<Stream>> tls_client_stream(Fd fd, const TlsOptions& tls) {
  const int socket = fd.get();
  return wrap(
      std::move(fd),
      identity::TlsStream::client(
          socket, {.ca = tls.ca, .certificate = tls.certificate, .key = tls.key}, tls.peer_name));
}

}  // namespace moai::comm
