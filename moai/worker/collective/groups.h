// Groups: the groups of ranks that collective calls of this Worker go to, by number.
//
// What fails in one of them ends all: a rank that waits in another group, for a rank that failed in
// this one, would learn it late or never. They stay broken until others are made.
//
// The executor's thread; abort(), end() and ended() may come from any.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "moai/comm/collective/group.h"
#include "moai/worker/collective/direct_groups.h"
#include "moai/worker/collective/started_exchanges.h"

namespace moai::worker {

class Groups {
 public:
  explicit Groups(const NcclSetup& setup = {})
      : direct_(setup, [this](const Status& why) { abort(why); }),
        started_([this](const Status& why) { abort(why); }) {}
  ~Groups() {
    end_started();
    direct_.leave(DirectGroups::Leaving::kAtOnce);
  }

  // Leaves what there is; calls find no group until set(). What was started and goes on is aborted.
  void clear(DirectGroups::Leaving how = DirectGroups::Leaving::kTogether);
  // That of all ranks, which the others are parts of. It returns the group, valid until clear().
  comm::Group& open(std::unique_ptr<comm::Group> world);
  void set(std::vector<std::unique_ptr<comm::Group>> groups);
  // Why there are none.
  void fail(const Status& why);
  // FAILED_PRECONDITION, with the reason, where there is none of that number. Valid until clear().
  Result<comm::Group*> at(uint64_t number) const;

  // Host memory of the call at hand, kept for those that come: to make it anew costs each step more
  // than to copy through it.
  std::span<char> scratch(size_t bytes);

  // What goes on beside calls, in these groups. Whoever calls a group lets it run dry before.
  StartedExchanges& started() { return started_; }

  // The same groups from device to device, where ranks can; joined and left with them.
  DirectGroups& direct() { return direct_; }
  // What the start of an exchange enqueued there; true once for each that was, in their order.
  void enqueued(std::vector<device::Buffer*> made) { enqueued_.push_back(std::move(made)); }
  bool take_enqueued(std::span<device::Buffer* const> made);

  // Bytes that collective calls left on this rank so far.
  uint64_t received_bytes() const { return received_bytes_; }
  void count_received(uint64_t bytes) { received_bytes_ += bytes; }

  // Ends what goes on in any of them, on all of their ranks.
  void abort(const Status& why);
  // The same, also for all that come later.
  void end(const Status& why);
  // OK until end().
  Status ended() const;

 private:
  void abort_locked(const Status& why);
  void end_started();

  mutable std::mutex mutex_;
  // Changed by the executor's thread alone, which reads them without mutex_.
  std::unique_ptr<comm::Group> world_;
  std::vector<std::unique_ptr<comm::Group>> groups_;
  Status why_none_ = failed_precondition("no mesh was joined");
  Status ended_;                     // guarded by mutex_
  std::unique_ptr<char[]> scratch_;  // of the executor's thread
  size_t scratch_bytes_ = 0;
  uint64_t received_bytes_ = 0;                         // likewise
  std::vector<std::vector<device::Buffer*>> enqueued_;  // likewise; never looked into
  DirectGroups direct_;                                 // likewise
  StartedExchanges started_;                            // likewise
};

}  // namespace moai::worker
