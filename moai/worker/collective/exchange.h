// Exchange: what a sum, a gather, a reduce-scatter or an all-to-all does, apart from when.
//
// Bytes travel through host memory that the caller lends. The three parts follow each other; the
// second touches nothing but that memory and the group, so it may run beside calls of the device.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "moai/comm/collective/group.h"
#include "moai/device/device.h"
#include "moai/ops/call.h"

namespace moai::worker {

// Immutable.
class Exchange {
 public:
  virtual ~Exchange() = default;
  // Bytes of memory that all parts work in.
  virtual size_t room() const = 0;
  // That come to this rank.
  virtual size_t received_bytes() const = 0;
  // From the operands to the memory.
  virtual Status take(device::Device* device, std::span<device::Buffer* const> operands,
                      char* memory) const = 0;
  // Together with the other ranks. Blocks.
  virtual Status meet(comm::Group* group, char* memory) const = 0;
  // From the memory to what it makes: the operands of a sum, else the fresh results, null where one
  // has no bytes.
  virtual Status give(device::Device* device, char* memory,
                      std::span<device::Buffer* const> made) const = 0;
};

// Of a call, or the start of one, that is sound for this rank (collective_call.h).
std::shared_ptr<const Exchange> make_exchange(const ops::CallSignature& signature, size_t rank);

}  // namespace moai::worker
