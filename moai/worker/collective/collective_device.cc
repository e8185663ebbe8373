#include "moai/worker/collective/collective_device.h"

#include <utility>

#include "moai/worker/collective/collective_call.h"

namespace moai::worker {
namespace {

// A call of the device, whose answers may come from what was damaged.
class Asked final : public device::Call {
 public:
  Asked(std::unique_ptr<device::Call> call, DirectGroups* groups)
      : call_(std::move(call)), groups_(*groups) {}

  Status run(std::span<device::Buffer* const> operands, std::span<const uint64_t> words,
             std::span<device::BufferPtr> fresh) override {
    return call_->run(operands, words, fresh);
  }
  void skipped(const Status& why) override { call_->skipped(why); }
  Result<std::vector<device::DynamicValue>> ask(std::span<device::Buffer* const> operands,
                                                std::span<const uint64_t> words) override {
    const DirectGroups::Waiting waiting(&groups_);
    MOAI_ASSIGN_OR_RETURN(auto values, call_->ask(operands, words));
    MOAI_RETURN_IF_ERROR(groups_.check(false));
    return values;
  }

 private:
  const std::unique_ptr<device::Call> call_;
  DirectGroups& groups_;
};

}  // namespace

Result<std::unique_ptr<device::Call>> CollectiveDevice::prepare(
    const ops::CallSignature& signature) {
  if (is_collective(signature.op)) return make_collective_call(signature, &device_, &groups_);
  auto call = device_.prepare(signature);
  if (!call.ok() || !groups_.direct().any()) return call;
  return std::unique_ptr<device::Call>(
      std::make_unique<Asked>(std::move(*call), &groups_.direct()));
}

Status CollectiveDevice::copy_out(const device::Buffer& buffer, uint64_t offset, uint64_t size,
                                  char* out) {
  const DirectGroups::Waiting waiting(&groups_.direct());
  MOAI_RETURN_IF_ERROR(device_.copy_out(buffer, offset, size, out));
  return groups_.direct().check(size != 0);
}

Status CollectiveDevice::synchronize() {
  const DirectGroups::Waiting waiting(&groups_.direct());
  MOAI_RETURN_IF_ERROR(device_.synchronize());
  return groups_.direct().check(true);
}

}  // namespace moai::worker
