#include "moai/front/bind/solo_group.h"

#include <torch/csrc/distributed/c10d/Store.hpp>
#include <torch/csrc/distributed/c10d/Work.hpp>
#include <torch/csrc/distributed/c10d/reducer_timer.hpp>

#include "moai/front/device/device_type.h"
#include "moai/front/device/engine.h"

namespace py = pybind11;

namespace moai::front {
namespace {

// Done as soon as it is recorded: what follows on the device is ordered behind it.
class RecordedWork final : public c10d::Work {
 public:
  explicit RecordedWork(std::vector<at::Tensor> outputs)
      : c10d::Work(0), outputs_(std::move(outputs)) {
    const auto type = c10::ListType::create(c10::TensorType::get());
    std::vector<c10::Device> devices;
    for (const at::Tensor& t : outputs_) {
      if (on_device(t) && devices.empty()) devices.push_back(t.device());
    }
    future_ = c10::make_intrusive<c10::ivalue::Future>(type, devices);
    future_->markCompleted(c10::IValue(outputs_));
    finish();
  }
  bool isCompleted() override { return true; }
  bool isSuccess() const override { return true; }
  bool wait(std::chrono::milliseconds) override { return true; }
  void synchronize() override {}
  std::vector<at::Tensor> result() override { return outputs_; }
  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override { return future_; }

 private:
  std::vector<at::Tensor> outputs_;
  c10::intrusive_ptr<c10::ivalue::Future> future_;
};

// DistributedDataParallel wants a timer for its log. It notes when the host was where; the parts of
// the device's work are not told apart.
struct ReducerTimer final : c10d::Timer {
  std::optional<int64_t> measureDifference(Event, Event) override { return std::nullopt; }
};

void register_reducer_timer() {
  static const c10::Registerer<c10::DeviceType, std::unique_ptr<c10d::Timer>, c10::Device>
      registration(device_type(), c10d::TimerRegistry(), [](c10::Device) {
        return std::unique_ptr<c10d::Timer>(std::make_unique<ReducerTimer>());
      });
}

void check_device(at::TensorList tensors) {
  for (const at::Tensor& t : tensors) {
    TORCH_CHECK(on_device(t), "No backend type associated with device type ", t.device().type());
  }
}

}  // namespace

SoloGroup::SoloGroup(int rank, int size, c10::intrusive_ptr<Options> options)
    : Backend(rank, size), options_(std::move(options)) {
  TORCH_CHECK(size == 1, "ProcessGroupNCCL: world size ", size,
              " on one accelerator. The accelerator is one device however large it is, and the "
              "platform uses all of it: start one process (nproc_per_node=1)");
}

SoloGroup::Works SoloGroup::copied(at::TensorList out, at::TensorList in) {
  ++sequence_;
  check_device(out);
  check_device(in);
  TORCH_CHECK(out.size() == in.size(), "ProcessGroupNCCL: ", in.size(), " inputs for ", out.size(),
              " outputs");
  const at::AutoDispatchBelowAutograd below;
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i].is_same(in[i])) continue;
    out[i].view({-1}).copy_(in[i].contiguous().view({-1}), true);
  }
  return c10::make_intrusive<RecordedWork>(out.vec());
}

SoloGroup::Works SoloGroup::reduced(at::TensorList out, at::TensorList in,
                                    const c10d::ReduceOp& op) {
  const Works works = copied(out, in);
  if (op != c10d::ReduceOp::PREMUL_SUM) return works;
  const auto* scale = dynamic_cast<const c10d::PreMulSumSupplement*>(op.supplement_.get());
  TORCH_CHECK(scale, "ProcessGroupNCCL: PREMUL_SUM without its factor");
  const at::AutoDispatchBelowAutograd below;
  for (const at::Tensor& t : out) {
    if (scale->tensor_factor.defined()) {
      t.mul_(scale->tensor_factor);
    } else {
      t.mul_(scale->double_factor);
    }
  }
  return works;
}

SoloGroup::Works SoloGroup::endCoalescing() { return copied({}, {}); }

SoloGroup::Works SoloGroup::broadcast(Tensors& t, const c10d::BroadcastOptions&) {
  return copied(t, t);
}
SoloGroup::Works SoloGroup::allreduce(Tensors& t, const c10d::AllreduceOptions& o) {
  return reduced(t, t, o.reduceOp);
}
SoloGroup::Works SoloGroup::allreduce_coalesced(Tensors& t,
                                                const c10d::AllreduceCoalescedOptions& o) {
  return reduced(t, t, o.reduceOp);
}
SoloGroup::Works SoloGroup::reduce(Tensors& t, const c10d::ReduceOptions& o) {
  return reduced(t, t, o.reduceOp);
}
SoloGroup::Works SoloGroup::allgather(std::vector<Tensors>& out, Tensors& in,
                                      const c10d::AllgatherOptions&) {
  return copied(out.at(0), in);
}
SoloGroup::Works SoloGroup::_allgather_base(at::Tensor& out, at::Tensor& in,
                                            const c10d::AllgatherOptions&) {
  return copied(out, in);
}
SoloGroup::Works SoloGroup::allgather_into_tensor_coalesced(Tensors& out, Tensors& in,
                                                            const c10d::AllgatherOptions&) {
  return copied(out, in);
}
SoloGroup::Works SoloGroup::gather(std::vector<Tensors>& out, Tensors& in,
                                   const c10d::GatherOptions&) {
  return copied(out.at(0), in);
}
SoloGroup::Works SoloGroup::scatter(Tensors& out, std::vector<Tensors>& in,
                                    const c10d::ScatterOptions&) {
  return copied(out, in.at(0));
}
SoloGroup::Works SoloGroup::reduce_scatter(Tensors& out, std::vector<Tensors>& in,
                                           const c10d::ReduceScatterOptions& o) {
  return reduced(out, in.at(0), o.reduceOp);
}
SoloGroup::Works SoloGroup::_reduce_scatter_base(at::Tensor& out, at::Tensor& in,
                                                 const c10d::ReduceScatterOptions& o) {
  return reduced(out, in, o.reduceOp);
}
SoloGroup::Works SoloGroup::reduce_scatter_tensor_coalesced(Tensors& out, Tensors& in,
                                                            const c10d::ReduceScatterOptions& o) {
  return reduced(out, in, o.reduceOp);
}
SoloGroup::Works SoloGroup::alltoall_base(at::Tensor& out, at::Tensor& in, std::vector<int64_t>&,
                                          std::vector<int64_t>&, const c10d::AllToAllOptions&) {
  return copied(out, in);
}
SoloGroup::Works SoloGroup::alltoall(Tensors& out, Tensors& in, const c10d::AllToAllOptions&) {
  return copied(out, in);
}

SoloGroup::Works SoloGroup::barrier(const c10d::BarrierOptions&) {
  front::synchronize();
  return copied({}, {});
}

void bind_solo_group(py::module_& m) {
  py::module_::import("torch._C._distributed_c10d");
  register_reducer_timer();
  py::class_<SoloGroup, c10::intrusive_ptr<SoloGroup>, c10d::Backend> group(m, "ProcessGroupNCCL");
  py::class_<SoloGroup::Options, c10::intrusive_ptr<SoloGroup::Options>, c10d::Backend::Options>(
      group, "Options", py::dynamic_attr())  // NCCL's other options mean nothing to one process
      .def(py::init<bool>(), py::arg("is_high_priority_stream") = false)
      .def_readwrite("is_high_priority_stream", &SoloGroup::Options::is_high_priority_stream);
  group.def(py::init([](const c10::intrusive_ptr<c10d::Store>&, int rank, int size,
                        c10::intrusive_ptr<SoloGroup::Options> options) {
              return c10::make_intrusive<SoloGroup>(rank, size, std::move(options));
            }),
            py::arg("store"), py::arg("rank"), py::arg("size"), py::arg("options"));
  group.def_property_readonly("uid", [](const SoloGroup&) { return 0; });
  group.def("perform_nocolor_split", [](const SoloGroup&, const c10::Device&) {});
  group.def("comm_split_count", [](const SoloGroup&) { return 0; });
  group.def_property_readonly("options", &SoloGroup::getBackendOptions);
}

}  // namespace moai::front
