// Outbox: messages on their way to one peer, written by a thread of its own where the caller must
// not wait; internal to groups.
//
// Any thread may call. The thread starts with the first message that is left to it.
#pragma once

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "moai/base/status.h"
#include "moai/comm/link/link.h"

namespace moai::comm {

class Outbox {
 public:
  // Writes one message, the concatenation of its parts, waiting as it must.
  using Write = std::function<Status(std::span<const std::string_view>)>;

  explicit Outbox(Write write) : write_(std::move(write)) {}
  // Drops what waits. `write` must have been made to return by then.
  ~Outbox();

  enum class Content {
    kCopied,
    kBorrowed,  // stays as it is until flush() or withdraw() returned
  };
  // Writes on this thread when `at_once` and nothing else is under way, else leaves the message to
  // the thread. The failure of an earlier message is that of all later ones. `sender` tells senders
  // that withdraw() apart.
  Status send(uint64_t sender, bool at_once, std::string head, std::string_view content,
              Content kind);

  // Waits until at most `bytes` of content wait or are being written; ends with what `interrupt`
  // returns, which is called every 100 ms.
  Status flush(size_t bytes, Deadline deadline, const Interrupt& interrupt);
  // Takes back borrowed messages of a sender that nobody writes yet; false when one is still being
  // written after `grace`.
  bool withdraw(uint64_t sender, std::chrono::milliseconds grace);

 private:
  struct Message {
    uint64_t sender = 0;
    std::string head;
    std::string copy;
    std::string_view content;  // of `copy`, or borrowed
    bool borrowed = false;
  };

  void run();
  void finished(const Message& message, const Status& status);

  const Write write_;
  const pid_t owner_ = ::getpid();  // a forked child has no such thread
  std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_.
  std::deque<std::unique_ptr<Message>> waiting_;
  size_t bytes_ = 0;
  bool writing_ = false;
  const Message* borrowed_ = nullptr;  // being written by the thread
  bool stop_ = false;
  Status broken_;
  std::unique_ptr<std::thread> thread_;
};

}  // namespace moai::comm
