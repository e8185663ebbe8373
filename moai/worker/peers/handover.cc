#include "moai/worker/peers/handover.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "moai/dispatch/messages.h"

namespace moai::worker {
namespace {

constexpr size_t kPeersBytesMax = size_t{16} << 20;

// Appends what has come: the number of bytes, 0 at the end, -1 with errno.
ssize_t read_some(int fd, std::string* to) {
  char buffer[4096];
  ssize_t n = 0;
  do {
    n = ::read(fd, buffer, sizeof buffer);
  } while (n < 0 && errno == EINTR);
  if (n > 0) to->append(buffer, static_cast<size_t>(n));
  return n;
}

}  // namespace

Result<Secrets> read_secrets(const Fd& fd, uint32_t ranks) {
  const size_t expected = dispatch::kSecretBytes * (ranks > 1 ? 2 : 1);
  std::string bytes;
  ssize_t n = 1;
  while (n > 0 && bytes.size() <= expected) n = read_some(fd.get(), &bytes);
  if (n < 0) return unavailable(std::string("cannot read the secret: ") + std::strerror(errno));
  if (bytes.size() != expected) {
    return invalid_argument("what comes by --secret-fd must have " + std::to_string(expected) +
                            " bytes");
  }
  return Secrets{bytes.substr(0, dispatch::kSecretBytes), bytes.substr(dispatch::kSecretBytes)};
}

PeersReader::PeersReader(Fd fd) : fd_(std::move(fd)) { ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK); }

std::optional<Result<std::vector<identity::Peer>>> PeersReader::read() {
  ssize_t n = 1;
  while (n > 0 && bytes_.size() <= kPeersBytesMax) n = read_some(fd_.get(), &bytes_);
  if (n < 0 && errno == EAGAIN) return std::nullopt;
  fd_.reset();
  if (bytes_.empty()) {
    return unavailable("the agent has ended before it told this Worker of the others of its lease");
  }
  return identity::decode_peers(bytes_);
}

}  // namespace moai::worker
