#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "moai/comm/link/stream.h"

namespace moai::comm {
namespace {

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

class PlainStream final : public Stream {
 public:
  explicit PlainStream(Fd fd) : fd_(std::move(fd)) {}

  int fd() const override { return fd_.get(); }
  Result<Want> handshake() override { return Want::kNone; }

  Result<Io> read(char* data, size_t size) override {
    const ssize_t n = ::recv(fd_.get(), data, size, MSG_DONTWAIT);
    if (n > 0) return Io{static_cast<size_t>(n), Want::kNone};
    if (n == 0) return unavailable("[comm.link] the peer closed the connection");
    if (would_block(errno)) return Io{0, Want::kRead};
    return gone();
  }

  Result<Io> write(std::span<const iovec> parts) override {
    msghdr message = {};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = std::min<size_t>(parts.size(), IOV_MAX);
    const ssize_t n = ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) return Io{static_cast<size_t>(n), Want::kNone};
    if (would_block(errno)) return Io{0, Want::kWrite};
    return gone();
  }

  void shutdown() override { ::shutdown(fd_.get(), SHUT_RDWR); }

 private:
  static Status gone() {
    return unavailable(std::string("[comm.link] the peer is gone: ") + std::strerror(errno));
  }

  Fd fd_;
};

}  // namespace

std::unique_ptr<Stream> plain_stream(Fd fd) { return std::make_unique<PlainStream>(std::move(fd)); }

}  // namespace moai::comm
