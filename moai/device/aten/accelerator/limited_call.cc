#include "moai/device/aten/accelerator/limited_call.h"

#include "moai/device/aten/errors.h"
#include "moai/ops/call_tensors.h"

namespace moai::device {
namespace {

uint64_t fresh_bytes(const ops::CallSignature& s) {
  uint64_t bytes = 0;
  for (const ops::Result* r : ops::fresh_results(s)) {
    bytes += static_cast<uint64_t>(tensor::storage_bytes(r->geometry));
  }
  return bytes;
}

class LimitedCall final : public Call {
 public:
  LimitedCall(std::unique_ptr<Call> call, uint64_t bytes, const AcceleratorMemory* memory)
      : call_(std::move(call)), bytes_(bytes), memory_(*memory) {}

  Status run(std::span<Buffer* const> operands, std::span<const uint64_t> words,
             std::span<BufferPtr> fresh) override {
    MOAI_RETURN_IF_ERROR(without_exceptions([&] {
      memory_.check(bytes_);
      return ok_status();
    }));
    return call_->run(operands, words, fresh);
  }
  void skipped(const Status& why) override { call_->skipped(why); }
  Result<std::vector<DynamicValue>> ask(std::span<Buffer* const> operands,
                                        std::span<const uint64_t> words) override {
    return call_->ask(operands, words);
  }

 private:
  const std::unique_ptr<Call> call_;
  const uint64_t bytes_;
  const AcceleratorMemory& memory_;
};

}  // namespace

std::unique_ptr<Call> limited_call(std::unique_ptr<Call> call, const ops::CallSignature& signature,
                                   const AcceleratorMemory* memory) {
  const uint64_t bytes = fresh_bytes(signature);
  if (bytes == 0 || !memory->is_limited()) return call;
  return std::make_unique<LimitedCall>(std::move(call), bytes, memory);
}

}  // namespace moai::device
