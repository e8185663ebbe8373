// Group: the ranks of one job, or of one axis of its mesh, working together on host memory.
//
// The operations but send, receive and abort are collective: every rank calls the same ones in the
// same order with sizes that fit together, and none returns OK before all ranks have called it.
// Ranks that ask for different things all fail, with both descriptions; nothing is ever written
// outside the memory that was given.
//
// Bits. Every rank gets the same bits, and each element is (r0 + r1) + r2 + … in the order of
// ranks, whatever the transport, the count and the chunking (reduce.h). So nothing is added along a
// ring: parts are exchanged directly, each owner reduces its share, shares are gathered. A rank
// sends and receives 2 (n - 1) / n of the bytes, as in a ring, in 2 steps in place of 2 (n - 1),
// and holds the parts of n - 1 ranks of a chunk at once. Up to kWholeBytes in all, each rank sends
// everything to everyone and reduces by itself, in 1 step.
//
// Failure. Waits spin at most 50 us, then sleep. A peer that ended, left, or made no progress for
// GroupOptions::patience ends the call; the Status names operation, rank and peer, by their ranks
// in the job. Whatever fails on one rank fails on all that can hear it, and the group is then
// broken for good: later calls return the first failure. Only INVALID_ARGUMENT for arguments that
// make no sense on this rank alone leaves the group as it is; it counts as a call. After a failure
// the memory given to the call holds anything.
//
// Threads. One thread at a time calls a group; different groups may be called at once, also those
// that share links. abort() may come from any thread. Calls block. The destructor says goodbye: it
// waits up to GroupOptions::linger. A forked child must only drop the object.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/comm/collective/operation.h"
#include "moai/tensor/dtype.h"
#include "moai/tensor/reduction.h"

namespace moai::comm {

inline constexpr size_t kWholeBytes = 64 * 1024;

struct GroupOptions {
  // A peer that makes no progress for so long ends a call. Long: another rank may load or compile.
  std::chrono::milliseconds patience = std::chrono::minutes(10);
  // The same for one that was never heard of, where it is less.
  std::chrono::milliseconds arrival = std::chrono::minutes(10);
  // What send() may hold for one peer that does not receive; beyond, it waits.
  size_t send_ahead_bytes = size_t{1} << 30;
  // How long the destructor waits for what send() holds to be taken, and for ranks that have not
  // joined to learn that this one has left.
  std::chrono::milliseconds linger{5000};
};

class Group {
 public:
  virtual ~Group() = default;
  int rank() const { return rank_; }
  int size() const { return size_; }

  // In place.
  Status all_reduce(void* data, size_t count, tensor::DType dtype, tensor::Reduction reduction);
  // `bytes[r]` of rank r; `out` has them in the order of ranks. `mine` may lie in its place there.
  Status all_gather(const void* mine, std::span<const size_t> bytes, void* out);
  // `in` has `counts[r]` elements for each rank r in order; `out` becomes this rank's. `out` may be
  // this rank's place in `in` and must not overlap it otherwise.
  Status reduce_scatter(const void* in, std::span<const size_t> counts, void* out,
                        tensor::DType dtype, tensor::Reduction reduction);
  // `to[r]` bytes for rank r, `from[r]` bytes of it, both in the order of ranks without gaps. `in`
  // and `out` must not overlap.
  Status all_to_all(const void* in, std::span<const size_t> to, void* out,
                    std::span<const size_t> from);
  Status broadcast(void* data, size_t bytes, int root);
  Status barrier();

  // Messages of one tag arrive in the order in which they were sent. send() copies and returns; it
  // waits only when the peer is GroupOptions::send_ahead_bytes behind. receive() fails on both
  // sides when the next message of that tag has another size.
  Status send(int peer, uint64_t tag, const void* data, size_t bytes);
  Status receive(int peer, uint64_t tag, void* data, size_t bytes);

  // Looks, without waiting, whether a rank failed, or ended without having left: what a wait would
  // find. Counts as no call. For who waits by other means, with a group of its own.
  Status check();

  // Ends every current and later call of all ranks with `why`, which must not be OK.
  void abort(const Status& why);

  // The group of these ranks, numbered in the order of the list. Called by exactly those ranks,
  // with the same list; each rank may make its groups in another order. Does not wait for the
  // others.
  Result<std::unique_ptr<Group>> make_subgroup(std::span<const int> ranks);

 protected:
  // `members[r]` is what rank r of this group is in the job.
  Group(int rank, std::vector<int> members)
      : rank_(rank), size_(static_cast<int>(members.size())), members_(std::move(members)) {}
  int member(size_t rank) const { return members_[rank]; }
  const std::vector<int>& members() const { return members_; }

  // Each has checked arguments. A failure is for all ranks; it says no more than the cause.
  virtual Status run_all_reduce(const Operation& operation, std::byte* data) = 0;
  virtual Status run_all_gather(const Operation& operation, const std::byte* mine,
                                std::byte* out) = 0;
  virtual Status run_reduce_scatter(const Operation& operation, const std::byte* in,
                                    std::byte* out) = 0;
  virtual Status run_all_to_all(const Operation& operation, const std::byte* in,
                                std::byte* out) = 0;
  virtual Status run_broadcast(const Operation& operation, std::byte* data) = 0;
  virtual Status run_barrier(const Operation& operation) = 0;
  virtual Status run_send(int peer, uint64_t tag, std::span<const std::byte> content) = 0;
  virtual Status run_receive(int peer, uint64_t tag, std::span<std::byte> content) = 0;
  // Looks for what came since the last call: a failure that broke the group.
  virtual Status ready() const { return failure(); }
  // The same, and for ranks that ended.
  virtual Status look_around() const { return ready(); }
  // The failure that broke the group, if any; from any thread.
  virtual Status failure() const = 0;
  // Records `why` as the failure if there is none yet, and tells all ranks; from any thread.
  virtual void fail(const Status& why) = 0;
  // `id` is the same on all members and differs from that of any other group of this one.
  virtual Result<std::unique_ptr<Group>> run_make_subgroup(uint64_t id,
                                                           std::span<const int> ranks) = 0;

 private:
  Operation next(OperationKind kind, std::vector<uint64_t> sizes);
  // Runs `body` unless the group is broken; what fails there breaks it.
  template <class Describe, class Body>
  Status guarded(Describe describe, Body body);
  Status check_peer(const char* what, int peer) const;
  Status check_other(const char* what, int peer) const;

  const int rank_, size_;
  const std::vector<int> members_;
  uint64_t calls_ = 0;
  std::map<std::vector<int>, uint64_t> subgroups_;  // how many were made of each list
};

// Where rank r's items begin: the sum of those before it.
std::vector<size_t> offsets_of(std::span<const uint64_t> sizes);
// The first of `total` items that belong to `rank` when they are shared evenly.
inline size_t share_begin(size_t total, size_t rank, size_t ranks) {
  return total / ranks * rank + total % ranks * rank / ranks;
}
// FAILED_PRECONDITION that describes both; ranks in the job.
Status mismatch(int rank, const Operation& mine, int peer, const std::string& theirs);
// What rank a sends to rank b in an all_to_all must be what b expects, and the other way.
Status check_pair(size_t a, const Operation& of_a, size_t b, const Operation& of_b);
// The same for each two of all ranks.
Status check_pairs(std::span<const Operation> of_ranks);
// FAILED_PRECONDITION: a message of another size than was asked for.
Status wrong_letter(int peer, uint64_t tag, size_t sent, size_t wanted);

}  // namespace moai::comm
