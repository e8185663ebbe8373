// SoloGroup: the process group `nccl` of one process. Every collective of one rank copies its input
// to its output; more than one rank is refused.
#pragma once

#include <torch/csrc/utils/pybind.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>

namespace moai::front {

class SoloGroup final : public c10d::Backend {
 public:
  struct Options final : c10d::Backend::Options {
    explicit Options(bool high_priority)
        : c10d::Backend::Options("nccl"), is_high_priority_stream(high_priority) {}
    bool is_high_priority_stream;
  };

  SoloGroup(int rank, int size, c10::intrusive_ptr<Options> options);

  const std::string getBackendName() const override { return "nccl"; }
  c10::intrusive_ptr<c10d::Backend::Options> getBackendOptions() override { return options_; }
  bool supportsSplitting() const override { return false; }
  bool supportsCoalescing() const override { return true; }
  void setTimeout(std::chrono::milliseconds timeout) override { options_->timeout = timeout; }
  void startCoalescing() override {}
  c10::intrusive_ptr<c10d::Work> endCoalescing() override;
  void setSequenceNumberForGroup() override {}
  uint64_t getSequenceNumberForGroup() override { return sequence_; }
  c10d::ErrorType getError() override { return c10d::ErrorType::SUCCESS; }
  void eagerConnectSingleDevice(at::Device) override {}
  void waitForPendingWorks() override {}
  void enableCollectivesTiming() override {}
  void shutdown() override {}
  void abort() override {}

  using Tensors = std::vector<at::Tensor>;
  using Works = c10::intrusive_ptr<c10d::Work>;
  Works broadcast(Tensors& tensors, const c10d::BroadcastOptions&) override;
  Works allreduce(Tensors& tensors, const c10d::AllreduceOptions&) override;
  Works allreduce_coalesced(Tensors& tensors, const c10d::AllreduceCoalescedOptions&) override;
  Works reduce(Tensors& tensors, const c10d::ReduceOptions&) override;
  Works allgather(std::vector<Tensors>& out, Tensors& in, const c10d::AllgatherOptions&) override;
  Works _allgather_base(at::Tensor& out, at::Tensor& in, const c10d::AllgatherOptions&) override;
  Works allgather_into_tensor_coalesced(Tensors& out, Tensors& in,
                                        const c10d::AllgatherOptions&) override;
  Works gather(std::vector<Tensors>& out, Tensors& in, const c10d::GatherOptions&) override;
  Works scatter(Tensors& out, std::vector<Tensors>& in, const c10d::ScatterOptions&) override;
  Works reduce_scatter(Tensors& out, std::vector<Tensors>& in,
                       const c10d::ReduceScatterOptions&) override;
  Works _reduce_scatter_base(at::Tensor& out, at::Tensor& in,
                             const c10d::ReduceScatterOptions&) override;
  Works reduce_scatter_tensor_coalesced(Tensors& out, Tensors& in,
                                        const c10d::ReduceScatterOptions&) override;
  Works alltoall_base(at::Tensor& out, at::Tensor& in, std::vector<int64_t>& out_splits,
                      std::vector<int64_t>& in_splits, const c10d::AllToAllOptions&) override;
  Works alltoall(Tensors& out, Tensors& in, const c10d::AllToAllOptions&) override;
  Works barrier(const c10d::BarrierOptions&) override;

 private:
  Works copied(at::TensorList out, at::TensorList in);
  // Of one rank every reduction is the value itself, but for one that scales it first.
  Works reduced(at::TensorList out, at::TensorList in, const c10d::ReduceOp& op);

  c10::intrusive_ptr<Options> options_;
  uint64_t sequence_ = 0;  // of one rank's calls, made by one thread at a time as torch demands
};

// The type that torch.distributed knows as ProcessGroupNCCL.
void bind_solo_group(pybind11::module_& m);

}  // namespace moai::front
