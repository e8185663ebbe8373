// Mesh: this Worker as one of the ranks of a lease, which make calls of `moai::` together.
//
// join() makes one group of ranks for each axis: over shared memory where all Workers are on one
// host, else over links; and from device to device where all can. A rank waits for as long as the
// others live: one may compute for minutes. A process that ends is noticed within a second, by who
// waits for it.
//
// The executor's thread; end() may come from any.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "moai/comm/collective/group.h"
#include "moai/dispatch/messages.h"
#include "moai/worker/collective/collective_device.h"
#include "moai/worker/collective/groups.h"
#include "moai/worker/peers/peers.h"

namespace moai::worker {

// Only a peer that is stopped, or that was never told, is met by these.
inline constexpr comm::GroupOptions kMeshGroups = {.patience = std::chrono::hours(1),
                                                   .arrival = std::chrono::minutes(2),
                                                   .linger = std::chrono::seconds(1)};

class Mesh {
 public:
  // Device and peers outlive it.
  Mesh(device::Device* device, Peers* peers, const comm::GroupOptions& options = kMeshGroups,
       const NcclSetup& nccl = {})
      : peers_(*peers), options_(options), nccl_(nccl), groups_(nccl), device_(device, &groups_) {}

  // Leaves the mesh before and waits until all Workers have joined this one. Calls that were
  // prepared for the mesh before must be gone. An error says who is missing or failed; there are no
  // groups then.
  Status join(const dispatch::JoinMesh& mesh);
  // After join(): whether what the front holds here may be damaged, by exchanges that were ended.
  Status take_damage() { return groups_.direct().take_damage(); }
  // Runs collective calls with the mesh that was joined last.
  device::Device& device() { return device_; }
  uint32_t rank() const { return peers_.rank(); }
  uint32_t ranks() const { return peers_.ranks(); }
  uint64_t received_bytes() const { return groups_.received_bytes(); }
  // Says goodbye to the other ranks. Calls that were prepared must be gone.
  void leave() { groups_.clear(DirectGroups::Leaving::kAlone); }
  // Ends waits of this and of all other ranks, now and later.
  void end(const Status& why) { groups_.end(why); }

 private:
  // Why not from device to device; empty where so.
  Result<std::string> try_join(const dispatch::JoinMesh& mesh);
  Result<std::unique_ptr<comm::Group>> join_all(uint64_t id);
  Result<std::vector<std::unique_ptr<comm::Group>>> make_groups(comm::Group& world,
                                                                const std::vector<uint32_t>& axes);

  Peers& peers_;
  const comm::GroupOptions options_;
  const NcclSetup nccl_;
  Groups groups_;
  CollectiveDevice device_;
};

// Ranks that differ from `rank` on `axis` alone, in order of their coordinate there. Ranks are
// numbered with the last axis running fastest.
std::vector<int> ranks_along(const std::vector<uint32_t>& axes, uint32_t rank, size_t axis);

}  // namespace moai::worker
