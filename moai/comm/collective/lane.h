// Lane: one peer of a linked group at the end of its Link; internal to linked groups.
//
// Several groups may use a lane, each from its own thread: whoever waits reads the link and files
// what is for others. Small messages leave on the caller's thread while the peer keeps up, which
// its own messages tell; else an outbox sends them, so that two ranks that send to each other do
// not wait for each other.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "moai/base/status.h"
#include "moai/comm/collective/frame.h"
#include "moai/comm/collective/group.h"
#include "moai/comm/collective/outbox.h"
#include "moai/comm/link/link.h"

namespace moai::comm {

// A received frame.
struct Letter {
  FrameHeader header;
  std::string frame;
  size_t content_at = 0;
  std::string_view content() const { return std::string_view(frame).substr(content_at); }
};

class Lane {
 public:
  // `peer` is its rank in the job, for messages.
  Lane(std::unique_ptr<Link> link, int peer, const GroupOptions& options);
  ~Lane();

  // Fills in what the header tells of this lane. What a peer said before it went comes first.
  Status send(FrameHeader header, std::string_view content, Outbox::Content kind);
  Status flush(uint64_t group, size_t bytes, const Interrupt& interrupt);
  // Makes sure that what `group` lent is used no more; breaks the link where it cannot otherwise.
  void withdraw(uint64_t group);

  // The next part of a call (`mail` false), or the next message of `tag`. What was sent before an
  // end of the group or of the link still comes. ABORTED and others: the peer's failure.
  Result<Letter> take(uint64_t group, bool mail, uint64_t tag, const Interrupt& interrupt);
  // Files what can be read without waiting, then says whether the peer failed `group` or is gone
  // without having left it.
  Status listen(uint64_t group);
  // That of the first part which waits to be taken; empty when there is none.
  std::string first_operation(uint64_t group);
  // Drops what is and will be filed for a group that ended here.
  void forget(uint64_t group);

 private:
  using Key = std::tuple<uint64_t, bool, uint64_t>;  // group, mail, tag

  Status why_unsent(uint64_t group, const Status& status);
  Status has_left() const;

  // All with mutex_ held.
  void file(std::string frame);
  Status verdict(uint64_t group) const;
  // How long a peer may keep silent.
  std::chrono::milliseconds silence() const { return frames_taken_ ? patience_ : arrival_; }
  Status late() const;
  Status read(std::unique_lock<std::mutex>* lock, Deadline deadline, const Interrupt& interrupt);
  Status wait(std::unique_lock<std::mutex>* lock, const Interrupt& interrupt);

  const pid_t owner_ = ::getpid();  // a forked child must not close the parent's link
  const std::unique_ptr<Link> link_;
  const int peer_;
  const std::chrono::milliseconds patience_, arrival_;
  std::atomic<uint64_t> frames_sent_{0}, bytes_sent_{0};
  std::atomic<uint64_t> frames_taken_{0}, bytes_taken_{0};  // from the peer
  std::atomic<uint64_t> peer_frames_taken_{0}, peer_bytes_taken_{0};
  Outbox outbox_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_.
  bool reading_ = false;
  Status broken_;
  std::map<Key, std::deque<Letter>> filed_;
  size_t filed_bytes_ = 0;
  std::map<uint64_t, Status> failed_;  // groups
  std::set<uint64_t> left_, forgotten_;
};

}  // namespace moai::comm
