#include "moai/comm/link/stream_link.h"

#include <sched.h>

#include <array>
#include <utility>
#include <vector>

namespace moai::comm {
namespace {

using std::chrono::steady_clock;

constexpr size_t kFewParts = 15;

// Drops the first `bytes` of `parts`.
void advance(std::span<iovec>* parts, size_t bytes) {
  while (!parts->empty() && bytes >= parts->front().iov_len) {
    bytes -= parts->front().iov_len;
    *parts = parts->subspan(1);
  }
  if (bytes == 0) return;
  iovec& first = parts->front();
  first.iov_base = static_cast<char*>(first.iov_base) + bytes;
  first.iov_len -= bytes;
}

void add(std::atomic<uint64_t>* counter, uint64_t n) {
  counter->fetch_add(n, std::memory_order_relaxed);
}

}  // namespace

StreamLink::~StreamLink() {
  if (::getpid() == owner_) close();
}

Status StreamLink::handshake(Patience* patience) {
  while (!ready_.load(std::memory_order_acquire)) {
    MOAI_ASSIGN_OR_RETURN(const Want want, stream_->handshake());
    if (want == Want::kNone) {
      ready_.store(true, std::memory_order_release);
      break;
    }
    MOAI_RETURN_IF_ERROR(wait_ready(stream_->fd(), want, closed_, patience));
  }
  return ok_status();
}

Status StreamLink::send(std::span<const std::string_view> parts, std::chrono::milliseconds stall) {
  uint64_t size = 0;
  for (std::string_view part : parts) size += part.size();
  if (closed_.woken()) return cancelled("[comm.link] the link was closed here");
  if (broken_) return unavailable("[comm.link] the link to " + peer_ + " broke before");
  if (size > kFrameBytesMax) {
    broken_ = true;
    return invalid_argument("[comm.link] a frame too large: " + std::to_string(size) + " bytes");
  }
  std::array<iovec, kFewParts + 1> few;
  std::vector<iovec> many(parts.size() > kFewParts ? parts.size() + 1 : 0);
  iovec* const list = many.empty() ? few.data() : many.data();
  size_t count = 0;
  list[count++] = {&size, sizeof size};
  for (std::string_view part : parts) {
    if (part.empty()) continue;
    list[count++] = {const_cast<char*>(part.data()), part.size()};
  }
  const Status sent = send_all({list, count}, stall);
  if (!sent.ok()) {
    broken_ = true;
    return sent;
  }
  add(&frames_sent_, 1);
  add(&bytes_sent_, size + kFrameHeaderBytes);
  return sent;
}

Status StreamLink::send_all(std::span<iovec> parts, std::chrono::milliseconds stall) {
  static const Interrupt kNoInterrupt;
  Patience patience(steady_clock::now() + stall, kNoInterrupt);
  MOAI_RETURN_IF_ERROR(handshake(&patience));
  while (!parts.empty()) {
    auto io = stream_->write(parts);
    if (!io.ok() && closed_.woken()) return cancelled("[comm.link] the link was closed here");
    if (!io.ok()) return io.status();
    advance(&parts, io->bytes);
    if (parts.empty() || io->bytes > 0) continue;
    Patience until_stalled(steady_clock::now() + stall, kNoInterrupt);
    const Status ready = wait_ready(stream_->fd(), io->want, closed_, &until_stalled);
    if (ready.code() == Code::kDeadlineExceeded) {
      return deadline_exceeded("[comm.link] " + peer_ + " took no byte for " +
                               std::to_string(stall.count()) + " ms");
    }
    MOAI_RETURN_IF_ERROR(ready);
  }
  return ok_status();
}

Result<Stream::Io> StreamLink::fill() {
  const std::span<char> room = reader_.room();
  MOAI_ASSIGN_OR_RETURN(const Stream::Io io, stream_->read(room.data(), room.size()));
  reader_.filled(io.bytes);
  add(&bytes_received_, io.bytes);
  return io;
}

Result<std::string> StreamLink::receive(Deadline deadline, const Interrupt& interrupt) {
  if (closed_.woken()) return cancelled("[comm.link] the link was closed here");
  Patience patience(deadline, interrupt);
  auto frame = await_frame(&patience);
  if (frame.ok()) {
    add(&frames_received_, 1);
  } else if (closed_.woken()) {
    return cancelled("[comm.link] the link was closed here");
  }
  return frame;
}

Result<std::string> StreamLink::await_frame(Patience* patience) {
  MOAI_RETURN_IF_ERROR(handshake(patience));
  auto spin_until = Deadline::min();
  while (true) {
    MOAI_ASSIGN_OR_RETURN(std::optional<std::string> frame, reader_.next());
    if (frame) return *std::move(frame);
    MOAI_ASSIGN_OR_RETURN(const Stream::Io io, fill());
    if (io.bytes > 0) {
      if (!reader_.whole()) MOAI_RETURN_IF_ERROR(patience->look());
      continue;
    }
    const auto now = steady_clock::now();
    if (spin_until == Deadline::min()) spin_until = std::min(now + kSpin, patience->deadline());
    if (now < spin_until && !closed_.woken()) {
      ::sched_yield();
      continue;
    }
    MOAI_RETURN_IF_ERROR(wait_ready(stream_->fd(), io.want, closed_, patience));
  }
}

bool StreamLink::readable() {
  // A failure is for receive() to tell, which does not wait for it either.
  if (!ready_.load(std::memory_order_acquire)) {
    const auto want = stream_->handshake();
    if (!want.ok()) return true;
    if (*want != Want::kNone) return false;
    ready_.store(true, std::memory_order_release);
  }
  while (true) {
    if (reader_.whole()) return true;
    const auto io = fill();
    if (!io.ok()) return true;
    if (io->bytes == 0) return false;
  }
}

void StreamLink::close() {
  if (closed_.woken()) return;
  closed_.wake();
  stream_->shutdown();
}

Link::Counters StreamLink::counters() const {
  return {.frames_sent = frames_sent_.load(std::memory_order_relaxed),
          .bytes_sent = bytes_sent_.load(std::memory_order_relaxed),
          .frames_received = frames_received_.load(std::memory_order_relaxed),
          .bytes_received = bytes_received_.load(std::memory_order_relaxed)};
}

}  // namespace moai::comm
