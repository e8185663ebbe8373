// A fake device as if it were an accelerator that NCCL knows: its memory is the host's, its stream
// one of the test library.
//
// Without a stream a launch is done when it is taken. With one, every use of the device waits for
// it, as work on a stream is behind what was enqueued there, and waits for ever.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "moai/comm/collective/nccl/testing/host_stream.h"
#include "moai/comm/collective/nccl/testing/library.h"
#include "moai/device/device_before.h"
#include "moai/device/device_queue.h"
#include "moai/device/fake/fake_memory.h"
#include "moai/ops/call_tensors.h"
#include "moai/worker/collective/direct_groups.h"

namespace moai::worker {

class HostQueue final : public device::DeviceQueue {
 public:
  HostQueue(std::string name, comm::HostStream* stream) : name_(std::move(name)), stream_(stream) {}

  std::string kind() const override { return "cuda"; }
  std::string name() const override { return name_; }
  Status bind() override { return ok_status(); }
  Result<void*> stream() override { return static_cast<void*>(stream_); }
  std::byte* address(const device::Buffer& buffer) override {
    auto& fake = const_cast<device::FakeBuffer&>(static_cast<const device::FakeBuffer&>(buffer));
    return reinterpret_cast<std::byte*>(fake.data());
  }
  Status synchronize() override {
    if (stream_) stream_->synchronize();
    return ok_status();
  }

 private:
  const std::string name_;
  comm::HostStream* const stream_;
};

// Stands before a fake device; copies between strided doubles, too.
class StreamedDevice final : public device::DeviceBefore {
 public:
  StreamedDevice(device::Device* device, HostQueue* queue) : DeviceBefore(device), queue_(*queue) {}

  Result<std::unique_ptr<device::Call>> prepare(const ops::CallSignature& s) override {
    std::unique_ptr<device::Call> call;
    if (s.op != "aten::copy_") {
      MOAI_ASSIGN_OR_RETURN(call, device_.prepare(s));
    }
    return std::unique_ptr<device::Call>(std::make_unique<Behind>(s, std::move(call), &queue_));
  }
  Status copy_in(device::Buffer* buffer, uint64_t offset, std::string_view bytes) override {
    MOAI_RETURN_IF_ERROR(queue_.synchronize());
    return device_.copy_in(buffer, offset, bytes);
  }
  Status copy_out(const device::Buffer& buffer, uint64_t offset, uint64_t size,
                  char* out) override {
    MOAI_RETURN_IF_ERROR(queue_.synchronize());
    return device_.copy_out(buffer, offset, size, out);
  }
  Status synchronize() override { return queue_.synchronize(); }

 private:
  // Places of elements in a storage, in the order of the tensor.
  static std::vector<size_t> places_of(const tensor::Geometry& g) {
    std::vector<size_t> places = {static_cast<size_t>(g.offset)};
    for (size_t d = 0; d < g.sizes.size(); ++d) {
      std::vector<size_t> more;
      for (const size_t place : places) {
        for (int64_t i = 0; i < g.sizes[d]; ++i) {
          more.push_back(place + static_cast<size_t>(i * g.strides[d]));
        }
      }
      places = std::move(more);
    }
    return places;
  }

  class Behind final : public device::Call {
   public:
    Behind(ops::CallSignature s, std::unique_ptr<device::Call> call, HostQueue* queue)
        : signature_(std::move(s)), call_(std::move(call)), queue_(*queue) {}
    Status run(std::span<device::Buffer* const> operands, std::span<const uint64_t> words,
               std::span<device::BufferPtr> fresh) override {
      MOAI_RETURN_IF_ERROR(queue_.synchronize());
      if (call_) return call_->run(operands, words, fresh);
      const auto tensors = ops::tensor_operands(signature_);
      const auto to = places_of(tensors[0]->geometry), from = places_of(tensors[1]->geometry);
      for (size_t i = 0; i < to.size(); ++i) {
        std::memcpy(queue_.address(*operands[0]) + to[i] * sizeof(double),
                    queue_.address(*operands[1]) + from[i] * sizeof(double), sizeof(double));
      }
      return ok_status();
    }
    void skipped(const Status& why) override { call_->skipped(why); }
    Result<std::vector<device::DynamicValue>> ask(std::span<device::Buffer* const> operands,
                                                  std::span<const uint64_t> words) override {
      MOAI_RETURN_IF_ERROR(queue_.synchronize());
      return call_->ask(operands, words);
    }

   private:
    const ops::CallSignature signature_;
    const std::unique_ptr<device::Call> call_;
    HostQueue& queue_;
  };

  HostQueue& queue_;
};

}  // namespace moai::worker
