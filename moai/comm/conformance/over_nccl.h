// OverNccl: a Group of the test library's NCCL, on host memory with a stream of its own, so that
// what it computes is held against what every Group must.
//
// What NCCL does not do goes to the group that it was made of. Where ranks ask for different things
// they hang, as in NCCL.
#pragma once

#include <memory>
#include <vector>

#include "moai/comm/collective/group.h"
#include "moai/comm/collective/nccl/agreement.h"
#include "moai/comm/collective/nccl/testing/host_stream.h"

namespace moai::comm {

class OverNccl final : public Group {
 public:
  OverNccl(std::unique_ptr<Group> inner, std::vector<int> members);
  ~OverNccl() override;

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
  Status failure() const override { return failure_; }
  void fail(const Status& why) override;
  Result<std::unique_ptr<Group>> run_make_subgroup(uint64_t id,
                                                   std::span<const int> ranks) override;

  // Made by the first call that needs it, when all ranks make that.
  Status run(const NcclSteps& steps);

  const std::unique_ptr<Group> inner_;
  std::unique_ptr<NcclCommunicator> communicator_;
  HostStream stream_;
  Status failure_;
};

}  // namespace moai::comm
