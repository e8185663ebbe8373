// SharedMemoryGroup: collectives as rounds over a segment; internal to shared memory groups.
//
// A round: every rank writes its slot, says so, waits for all others, reads their slots, and says
// that it has. Slots are used in turn, so a rank that is ahead writes the next round while others
// still read. The first round of a call also carries what is asked for.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moai/comm/collective/group.h"
#include "moai/comm/collective/segment.h"
#include "moai/comm/collective/shared_mail.h"
#include "moai/comm/collective/shared_memory.h"
#include "moai/comm/collective/watch.h"

namespace moai::comm {

class SharedMemoryGroup final : public Group {
 public:
  // The rank of `options` is claimed already. Threads of one process may share the segment.
  SharedMemoryGroup(std::shared_ptr<Segment> segment, const SharedMemoryOptions& options);
  ~SharedMemoryGroup() override;

 private:
  Status run_all_reduce(const Operation& operation, std::byte* data) override;
  Status run_all_gather(const Operation& operation, const std::byte* mine, std::byte* out) override;
  Status run_reduce_scatter(const Operation& operation, const std::byte* in,
                            std::byte* out) override;
  Status run_all_to_all(const Operation& operation, const std::byte* in, std::byte* out) override;
  Status run_broadcast(const Operation& operation, std::byte* data) override;
  Status run_barrier(const Operation& operation) override;
  Status run_send(int peer, uint64_t tag, std::span<const std::byte> content) override;
  Status run_receive(int peer, uint64_t tag, std::span<std::byte> content) override;
  Status look_around() const override { return watch_.check_alive(); }
  Status failure() const override { return segment_->failure(); }
  void fail(const Status& why) override { segment_->fail(why); }
  Result<std::unique_ptr<Group>> run_make_subgroup(uint64_t id,
                                                   std::span<const int> ranks) override;

  // The parts of one round. begin() waits until this rank's slot may be written; meet() shows it
  // with what begins in it, and waits for all others, who must show the same.
  Status begin();
  Status meet(const Operation* beginning);
  void end();
  std::byte* own() const { return slot(self_); }
  std::byte* slot(uint32_t rank) const;
  Status check_head(uint32_t peer, const Operation* beginning, std::string_view own_head) const;

  Status reduce_whole(const Operation& operation, std::byte* data);
  Status reduce_chunk(const Operation* beginning, const Operation& operation, std::byte* data,
                      size_t count);
  // The longest piece of an all_to_all, whose sizes fit between each two ranks.
  Result<size_t> longest_exchange() const;
  // What of a slot belongs to each other rank.
  size_t piece_bytes(size_t element) const;
  // Where `writer` has the piece for `reader`.
  std::byte* piece(uint32_t writer, uint32_t reader, size_t bytes) const;

  const std::shared_ptr<Segment> segment_;
  const SharedMemoryOptions options_;
  const uint32_t self_, ranks_;
  const pid_t owner_ = ::getpid();
  const Watch watch_;
  std::unique_ptr<SharedMail> mail_;
  uint32_t round_ = 0;  // wraps
};

}  // namespace moai::comm
