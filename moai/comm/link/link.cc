#include "moai/comm/link/link.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "moai/comm/link/socket.h"
#include "moai/comm/link/stream.h"
#include "moai/comm/link/stream_link.h"
#include "moai/comm/link/wait.h"

namespace moai::comm {
namespace {

Result<std::unique_ptr<Stream>> server_stream(Fd fd, const Address& address,
                                              const TlsOptions& tls) {
  if (address.kind == Address::Kind::kTls) return tls_server_stream(std::move(fd), tls);
  return plain_stream(std::move(fd));
}

// Which file a socket path names, so that only our own is removed.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileId&) const = default;
};
FileId file_id(const std::string& path) {
  struct stat facts = {};
  if (path.empty() || ::lstat(path.c_str(), &facts) != 0) return {};
  return {facts.st_dev, facts.st_ino};
}

class SocketListener final : public Listener {
 public:
  SocketListener(ListeningSocket socket, Address address, TlsOptions tls)
      : socket_(std::move(socket)),
        address_(std::move(address)),
        tls_(std::move(tls)),
        file_(file_id(address_.path)) {}
  ~SocketListener() override {
    if (::getpid() == owner_) close();
  }

  Result<std::unique_ptr<Link>> accept(Deadline deadline, const Interrupt& interrupt) override {
    Patience patience(deadline, interrupt);
    while (true) {
      if (closed_.woken()) return cancelled("[comm.link] the listener was closed");
      Fd fd(::accept4(socket_.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd.valid()) return link(std::move(fd));
      const bool nobody = errno == EAGAIN || errno == EWOULDBLOCK;
      if (nobody) {
        MOAI_RETURN_IF_ERROR(wait_ready(socket_.fd.get(), Want::kRead, closed_, &patience));
      } else if (errno != EINTR && errno != ECONNABORTED) {
        return resource_exhausted(std::string("[comm.link] cannot accept: ") +
                                  std::strerror(errno));
      }
    }
  }

  std::string address() const override { return socket_.address; }

  void close() override {
    if (closed_.woken()) return;
    closed_.wake();
    // Later connects are refused at once, although the descriptor lives until the end.
    ::shutdown(socket_.fd.get(), SHUT_RDWR);
    if (file_.inode != 0 && file_ == file_id(address_.path)) ::unlink(address_.path.c_str());
  }

 private:
  Result<std::unique_ptr<Link>> link(Fd fd) const {
    set_stream_options(fd.get(), address_.kind);
    std::string peer = describe_peer(fd.get(), address_);
    MOAI_ASSIGN_OR_RETURN(auto stream, server_stream(std::move(fd), address_, tls_));
    return std::unique_ptr<Link>(std::make_unique<StreamLink>(std::move(stream), std::move(peer)));
  }

  const ListeningSocket socket_;
  const Address address_;
  const TlsOptions tls_;
  const FileId file_;
  const pid_t owner_ = ::getpid();
  Waker closed_;
};

}  // namespace

Result<std::unique_ptr<Listener>> listen(const std::string& address, const TlsOptions& tls) {
  MOAI_ASSIGN_OR_RETURN(Address parsed, parse_address(address));
  if (parsed.kind == Address::Kind::kTls && tls.certificate.empty()) {
    return invalid_argument("[comm.link] " + address + " needs a certificate");
  }
  MOAI_ASSIGN_OR_RETURN(ListeningSocket socket, listen_socket(parsed));
  return std::unique_ptr<Listener>(
      std::make_unique<SocketListener>(std::move(socket), std::move(parsed), tls));
}

Result<std::unique_ptr<Link>> connect(const std::string& address, Deadline deadline,
                                      const TlsOptions& tls) {
  MOAI_ASSIGN_OR_RETURN(const Address parsed, parse_address(address));
  const bool encrypted = parsed.kind == Address::Kind::kTls;
  if (encrypted && tls.ca.empty()) {
    return invalid_argument("[comm.link] " + address + " needs a CA to check the peer against");
  }
  MOAI_ASSIGN_OR_RETURN(Fd fd, connect_socket(parsed, deadline));
  std::string peer = describe_peer(fd.get(), parsed);
  std::unique_ptr<Stream> stream;
  if (encrypted) {
    MOAI_ASSIGN_OR_RETURN(stream, tls_client_stream(std::move(fd), tls));
  } else {
    stream = plain_stream(std::move(fd));
  }
  auto link = std::make_unique<StreamLink>(std::move(stream), std::move(peer));
  const Interrupt none;
  Patience patience(deadline, none);
  MOAI_RETURN_IF_ERROR(link->handshake(&patience));
  return std::unique_ptr<Link>(std::move(link));
}

}  // namespace moai::comm
