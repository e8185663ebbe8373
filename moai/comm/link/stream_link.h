// StreamLink: a Link over a Stream; internal to links.
#pragma once

#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>

#include "moai/comm/link/frame_reader.h"
#include "moai/comm/link/link.h"
#include "moai/comm/link/stream.h"
#include "moai/comm/link/wait.h"

namespace moai::comm {

class StreamLink final : public Link {
 public:
  StreamLink(std::unique_ptr<Stream> stream, std::string peer)
      : stream_(std::move(stream)), peer_(std::move(peer)) {}
  ~StreamLink() override;

  // Completes the stream's handshake; send and receive do it themselves where it is not done.
  Status handshake(Patience* patience);

  Status send(std::span<const std::string_view> parts, std::chrono::milliseconds stall) override;
  Result<std::string> receive(Deadline deadline, const Interrupt& interrupt) override;
  bool readable() override;
  void close() override;
  std::string peer() const override { return peer_; }
  bool same_machine() const override { return peer_.starts_with("unix:"); }
  Counters counters() const override;
  int descriptor() const override { return stream_->fd(); }

 private:
  Status send_all(std::span<iovec> parts, std::chrono::milliseconds stall);
  // Reads once without waiting.
  Result<Stream::Io> fill();
  Result<std::string> await_frame(Patience* patience);

  std::unique_ptr<Stream> stream_;
  const std::string peer_;
  const pid_t owner_ = ::getpid();  // a forked child has only copies
  Waker closed_;
  std::atomic<bool> ready_{false};   // the handshake is done
  std::atomic<bool> broken_{false};  // a send failed, so the peer would read garbage
  FrameReader reader_;               // of the receiving thread
  std::atomic<uint64_t> frames_sent_{0}, bytes_sent_{0}, frames_received_{0}, bytes_received_{0};
};

}  // namespace moai::comm
