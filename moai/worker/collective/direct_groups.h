// DirectGroups: the groups of ranks, as NCCL knows them: what goes from device to device without
// host memory, where all ranks can (docs/design/026-nccl.md).
//
// What ranks enqueue waits on the device for all of them, and so does who reads results. A thread
// looks every 100 ms whether ranks live and NCCL is well, and ends the groups where not; what was
// enqueued then ends, and its results hold anything. Who waited for the device asks check() before
// results go anywhere: once they may be damaged, it fails until the groups are left.
//
// The executor's thread; abort() may come from any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "moai/comm/collective/group.h"
#include "moai/comm/collective/nccl/agreement.h"
#include "moai/device/device_queue.h"

namespace moai::worker {

// What a Worker brings to NCCL.
struct NcclSetup {
  std::string why_not = "its device exchanges through host memory";  // empty where it can
  comm::NcclLibrary library{};                                       // where it can
  device::DeviceQueue* queue = nullptr;  // null: no accelerator; outlives all that use it
};
// By the kind of device, or the file that `setting` names; "0": not at all. Logs nothing.
NcclSetup nccl_setup(device::DeviceQueue* queue, const std::string& setting);

class DirectGroups {
 public:
  // Told of what fails beside calls, in any thread. It ends the groups: abort() among them.
  using Failed = std::function<void(const Status&)>;
  DirectGroups(const NcclSetup& setup, Failed failed) : setup_(setup), failed_(std::move(failed)) {}
  ~DirectGroups() { leave(Leaving::kAtOnce); }

  // Collective over `world`, whose parts the groups are. Why there are none: in the same words on
  // all ranks; empty where there are. An error where the world failed.
  Result<std::string> join(comm::Group* world, std::span<const std::unique_ptr<comm::Group>> groups,
                           const comm::GroupOptions& options);
  // Ends them, in good order where that can be. kTogether: all ranks do, and what they enqueued
  // ends before, within the patience. kAlone: the others may be gone; within two seconds.
  enum class Leaving { kTogether, kAlone, kAtOnce };
  void leave(Leaving how);

  bool any() const { return !groups_.empty(); }
  // Null where the group of that number exchanges through host memory.
  comm::NcclCommunicator* at(size_t number) const;
  device::DeviceQueue& queue() const { return *setup_.queue; }
  // Enqueues.
  Status run(comm::NcclCommunicator* group, const comm::NcclSteps& steps);

  // While it lives, the executor waits for the device; past the patience the groups are ended.
  class Waiting {
   public:
    explicit Waiting(DirectGroups* groups) : Waiting(groups, groups->patience_) {}
    Waiting(DirectGroups* groups, std::chrono::milliseconds patience);
    ~Waiting() { groups_.waits_until_ = 0; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    DirectGroups& groups_;
  };
  // Whether what came from the device can be trusted. `waited`: it came when all was done that was
  // enqueued before.
  Status check(bool waited);
  // Why all that the device holds may be damaged, if it may; said once, after the groups were left.
  Status take_damage() { return std::exchange(damage_, ok_status()); }
  void abort(const Status& why);

 private:
  // Shared: an abort may be under way while they are left.
  using Communicators = std::vector<std::shared_ptr<comm::NcclCommunicator>>;

  Status make(comm::Group* world, comm::Group* group, comm::Deadline deadline);
  // Waits until nobody needs what this rank has on its device; whether all is well.
  bool settle(Leaving how);
  void start_watch(std::unique_ptr<comm::Group> all);
  void stop_watch();
  void watch(comm::Group* all);
  Status look(comm::Group* all);
  static void abort_all(const Communicators& groups, const Status& why);
  Status failure() const;
  Communicators communicators() const;

  const NcclSetup setup_;
  const Failed failed_;
  std::atomic<int64_t> waits_until_{0};  // nanoseconds of the steady clock; 0: it does not wait
  std::chrono::milliseconds patience_{0};
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_; the executor's thread, which alone changes them, reads the first two
  // without it.
  Communicators groups_;  // null: an axis of one rank
  bool joined_ = false;   // or about to be
  std::unique_ptr<comm::Group> watched_;
  bool stops_ = false;
  bool dirty_ = false;  // something was enqueued since it was last known to be done
  Status failure_;      // of these groups
  Status damage_;       // of what the device holds
};

}  // namespace moai::worker
