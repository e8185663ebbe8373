#include "moai/worker/counts/counted_device.h"

namespace moai::worker {
namespace {

class CountedCall final : public device::Call {
 public:
  CountedCall(std::unique_ptr<device::Call> call, uint64_t* runs)
      : call_(std::move(call)), runs_(*runs) {}

  Status run(std::span<device::Buffer* const> operands, std::span<const uint64_t> words,
             std::span<device::BufferPtr> fresh) override {
    MOAI_RETURN_IF_ERROR(call_->run(operands, words, fresh));
    ++runs_;
    return ok_status();
  }
  void skipped(const Status& why) override { call_->skipped(why); }
  Result<std::vector<device::DynamicValue>> ask(std::span<device::Buffer* const> operands,
                                                std::span<const uint64_t> words) override {
    return call_->ask(operands, words);
  }

 private:
  const std::unique_ptr<device::Call> call_;
  uint64_t& runs_;
};

}  // namespace

Result<std::unique_ptr<device::Call>> CountedDevice::prepare(const ops::CallSignature& signature) {
  MOAI_ASSIGN_OR_RETURN(auto call, device_.prepare(signature));
  return std::unique_ptr<device::Call>(
      std::make_unique<CountedCall>(std::move(call), &runs_[ops::to_string(signature)]));
}

std::map<std::string, uint64_t> CountedDevice::take() {
  std::map<std::string, uint64_t> taken;
  for (auto& [signature, runs] : runs_) {
    if (runs != 0) taken[signature] = std::exchange(runs, 0);
  }
  return taken;
}

}  // namespace moai::worker
