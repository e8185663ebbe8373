// How the ranks of a group agree on NCCL: all use it or none, for a reason that all know alike.
#pragma once

#include <string>

#include "moai/base/status.h"
#include "moai/comm/collective/group.h"
#include "moai/comm/collective/nccl/communicator.h"

namespace moai::comm {

// What a rank brings.
struct NcclOffer {
  std::string why_not{};  // it cannot, when this is not empty
  std::string kind{};     // of its device
  std::string device{};   // which no other rank may have: NCCL takes a device once
  int version = 0;        // of its library, which all must have alike
};

// Collective. Why the ranks do not use NCCL, naming the first that keeps the others from it; empty
// where they do.
Result<std::string> agree_on_nccl(Group* group, const NcclOffer& mine);

// The same of whether each did what it was to do: `why_not` is this rank's own.
Result<std::string> agree(Group* group, const std::string& why_not);

// Collective. Makes the communicator of a group; its first rank names it. An error is of this rank
// alone, as of NcclCommunicator::join, or of the group.
Result<std::unique_ptr<NcclCommunicator>> join_nccl(Group* group, const NcclLibrary& library,
                                                    std::chrono::milliseconds patience,
                                                    Deadline deadline, const Interrupt& interrupt);

}  // namespace moai::comm
