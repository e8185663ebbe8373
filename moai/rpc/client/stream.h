// Stream: one bidirectional stream of the Core API as its client sees it (holder or agent).
//
// send() and receive() may run on two threads. Nothing here reconnects: when the stream is over,
// open another. The destructor cancels what is still open and waits for gRPC to let go (prompt).
#pragma once

#include <chrono>
#include <memory>

#include "moai/base/status.h"
#include "moai/rpc/client/channel.h"
#include "proto/moai/core.pb.h"

namespace moai::rpc {

template <class Up, class Down>
class Stream {
 public:
  virtual ~Stream() = default;
  // Queues a message; does not block. UNAVAILABLE when the stream is over, RESOURCE_EXHAUSTED when
  // kStreamQueueMax messages wait to be sent.
  virtual Status send(const Up& message) = 0;
  // The next message. DEADLINE_EXCEEDED: none came, the stream is still good. Any other error is
  // how the stream ended: the server's status, UNAVAILABLE when the connection broke, OUT_OF_RANGE
  // when the server ended it without an error.
  virtual Result<Down> receive(std::chrono::steady_clock::time_point deadline) = 0;
  // Says that nothing more will be sent, after what is queued.
  virtual void half_close() = 0;
  // Breaks the stream; receive() returns CANCELLED.
  virtual void cancel() = 0;
};
inline constexpr size_t kStreamQueueMax = 4096;

using SessionStream = Stream<v1::SessionUp, v1::SessionDown>;
using AgentStream = Stream<v1::AgentUp, v1::AgentDown>;

// Return at once; a server that cannot be reached shows in receive() as UNAVAILABLE.
std::unique_ptr<SessionStream> attach(const std::shared_ptr<Channel>& channel);
std::unique_ptr<AgentStream> attend(const std::shared_ptr<Channel>& channel);

}  // namespace moai::rpc
