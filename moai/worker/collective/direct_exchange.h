// DirectExchange: what a collective call does where the ranks' devices reach each other: it
// enqueues, and waits for nothing.
#pragma once

#include <memory>
#include <span>

#include "moai/device/device.h"
#include "moai/ops/call.h"
#include "moai/worker/collective/direct_groups.h"

namespace moai::worker {

class DirectExchange {
 public:
  virtual ~DirectExchange() = default;
  // Bytes that come to this rank.
  virtual size_t received_bytes() const = 0;
  // `made`: what it makes, the operands of a sum, else the fresh results; null without bytes.
  virtual Status enqueue(DirectGroups* groups, std::span<device::Buffer* const> operands,
                         std::span<device::Buffer* const> made) = 0;
};

// Of a call, or the start of one, that is sound for this rank (collective_call.h). Null for what
// goes through host memory on all ranks alike: reductions that NCCL lacks or means otherwise, and
// messages of one rank to another, since a send there waits for who receives.
Result<std::unique_ptr<DirectExchange>> make_direct_exchange(const ops::CallSignature& signature,
                                                             device::Device* device,
                                                             comm::NcclCommunicator* group);

}  // namespace moai::worker
