#include "moai/worker/counts/counted_device.h"

#include <ctime>

namespace moai::worker {
namespace {

// Of this thread alone: what others have of its processor is not in it.
double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class CountedCall final : public device::Call {
 public:
  CountedCall(std::unique_ptr<device::Call> call, CallCount* count)
      : call_(std::move(call)), count_(*count) {}

  Status run(std::span<device::Buffer* const> operands, std::span<const uint64_t> words,
             std::span<device::BufferPtr> fresh) override {
    const double began = thread_seconds();
    MOAI_RETURN_IF_ERROR(call_->run(operands, words, fresh));
    count_.seconds += thread_seconds() - began;
    ++count_.runs;
    return ok_status();
  }
  void skipped(const Status& why) override { call_->skipped(why); }
  Result<std::vector<device::DynamicValue>> ask(std::span<device::Buffer* const> operands,
                                                std::span<const uint64_t> words) override {
    return call_->ask(operands, words);
  }

 private:
  const std::unique_ptr<device::Call> call_;
  CallCount& count_;
};

}  // namespace

Result<std::unique_ptr<device::Call>> CountedDevice::prepare(const ops::CallSignature& signature) {
  MOAI_ASSIGN_OR_RETURN(auto call, device_.prepare(signature));
  return std::unique_ptr<device::Call>(
      std::make_unique<CountedCall>(std::move(call), &runs_[ops::to_string(signature)]));
}

std::map<std::string, CallCount> CountedDevice::take() {
  std::map<std::string, CallCount> taken;
  for (auto& [signature, count] : runs_) {
    if (count.runs != 0) taken[signature] = std::exchange(count, {});
  }
  return taken;
}

}  // namespace moai::worker
