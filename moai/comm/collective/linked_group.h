// LinkedGroup: collectives as direct exchanges over lanes; internal to linked groups.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moai/comm/collective/group.h"
#include "moai/comm/collective/lane.h"

namespace moai::comm {

// The lanes of one rank to all others of the job; its own is null.
struct Mesh {
  std::vector<std::unique_ptr<Lane>> lanes{};
  GroupOptions options{};
};

class LinkedGroup final : public Group {
 public:
  // `members[r]` is the rank in the mesh, which is the job's. Shared, because nobody knows which
  // group ends last.
  LinkedGroup(std::shared_ptr<const Mesh> mesh, uint64_t id, int rank, std::vector<int> members);
  ~LinkedGroup() override;

 private:
  // A call under way: what is asked for, as it goes into each part.
  struct Call {
    const Operation& operation;
    const std::string encoded;
  };

  Status run_all_reduce(const Operation& operation, std::byte* data) override;
  Status run_all_gather(const Operation& operation, const std::byte* mine, std::byte* out) override;
  Status run_reduce_scatter(const Operation& operation, const std::byte* in,
                            std::byte* out) override;
  Status run_all_to_all(const Operation& operation, const std::byte* in, std::byte* out) override;
  Status run_broadcast(const Operation& operation, std::byte* data) override;
  Status run_barrier(const Operation& operation) override;
  Status run_send(int peer, uint64_t tag, std::span<const std::byte> content) override;
  Status run_receive(int peer, uint64_t tag, std::span<std::byte> content) override;
  Status ready() const override { return look(); }
  Status failure() const override;
  void fail(const Status& why) override;
  Result<std::unique_ptr<Group>> run_make_subgroup(uint64_t id,
                                                   std::span<const int> ranks) override;

  Lane& lane(size_t peer) const { return *mesh_->lanes[static_cast<size_t>(member(peer))]; }
  // The failure of this group, known here or told by any member.
  Status look() const;
  // The same, and whether a member that this rank does not wait for asks for something else.
  Status look(const Call& call) const;
  // The other ranks, beginning after this one so that not all turn to the same.
  std::vector<size_t> others() const;

  // Posts `bytes` as one or more parts; they must stay until settle().
  Status post(const Call& call, size_t peer, const std::byte* data, size_t bytes) const;
  Status post_part(const Call& call, size_t peer, uint64_t number, const std::byte* data,
                   size_t bytes) const;
  Result<Letter> take_part(const Call& call, size_t peer, uint64_t number, size_t bytes) const;
  // What the peer asks for, which fits.
  Result<Operation> take(const Call& call, size_t peer, std::byte* data, size_t bytes) const;
  Result<Operation> check(const Call& call, size_t peer, const std::string& operation) const;
  // Ends a call: what was posted is sent, or taken back when `status` is a failure.
  Status settle(Status status) const;

  Status reduce_whole(const Call& call, std::byte* data) const;
  Status reduce_shared(const Call& call, std::byte* data) const;
  // Reduces this rank's share from `mine` and what the others posted of theirs.
  Status reduce_own(const Call& call, const std::byte* mine, size_t bytes, std::byte* out,
                    bool post_results) const;

  const std::shared_ptr<const Mesh> mesh_;
  const uint64_t id_;
  const size_t self_, ranks_;
  const pid_t owner_ = ::getpid();
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;
  Status failure_;  // guarded by mutex_
};

}  // namespace moai::comm
