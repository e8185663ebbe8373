// CollectiveDevice: a device whose calls of `moai::` work together with other ranks.
//
// It prepares all_reduce, all_gather, reduce_scatter, all_to_all, send, receive and broadcast as
// moai/compiler/lower/lower_rank.h writes them; everything else is the device's that it stands
// before. The last argument of such a call is the number of a group. Bytes go from device to device
// where ranks can (direct_groups.h), else through host memory: they are copied out of the device,
// exchanged, and copied back. Starts and waits of the first four
// (moai/ops/started_call.h) exchange beside the calls in between (started_exchanges.h).
//
// All ranks of a group must make the same collective calls in the same order. A rank that cannot
// make one, since an operand is poisoned, ends the groups (Call::skipped), and so does one that
// fails: the others get the cause instead of waiting.
#pragma once

#include <memory>

#include "moai/device/device_before.h"
#include "moai/worker/collective/groups.h"

namespace moai::worker {

class CollectiveDevice final : public device::DeviceBefore {
 public:
  // Both outlive it.
  CollectiveDevice(device::Device* device, Groups* groups)
      : DeviceBefore(device), groups_(*groups) {}

  // INVALID_ARGUMENT for a collective call that is malformed, FAILED_PRECONDITION for one of a
  // group that is not there.
  Result<std::unique_ptr<device::Call>> prepare(const ops::CallSignature& signature) override;

  // What they return fails where exchanges from device to device were ended.
  Status copy_out(const device::Buffer& buffer, uint64_t offset, uint64_t size, char* out) override;
  Status synchronize() override;

 private:
  Groups& groups_;
};

}  // namespace moai::worker
