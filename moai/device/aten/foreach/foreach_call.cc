#include "moai/device/aten/foreach/foreach_call.h"

#include <ATen/Parallel.h>

#include <bit>
#include <cmath>

#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/call/aten_call.h"
#include "moai/device/aten/call/tensors.h"
#include "moai/device/aten/call/threads.h"
#include "moai/device/aten/errors.h"
#include "moai/device/aten/foreach/foreach_plan.h"

namespace moai::device {
namespace {

constexpr int64_t kGrain = 32768;  // elements for which another thread is worth its waking

struct Range {
  char* begin = nullptr;
  uint64_t bytes = 0;

  bool overlaps(const Range& other) const {
    return begin < other.begin + other.bytes && other.begin < begin + bytes;
  }
};

template <typename Real>
class ForeachCall final : public Call {
 public:
  ForeachCall(ops::CallSignature signature, ForeachPlan plan, c10::Device device)
      : signature_(std::move(signature)),
        plan_(std::move(plan)),
        device_(device),
        ranges_(plan_.tensors.size()),
        scalars_(plan_.length),
        made_(plan_.fresh_bytes.size()) {}

  Status run(std::span<Buffer* const> operands, std::span<const uint64_t> words,
             std::span<BufferPtr> fresh) override {
    if (!find(operands) || !read_scalars(words)) return run_library(operands, words, fresh);
    if (!plan_.in_place) MOAI_RETURN_IF_ERROR(make(fresh));
    for (uint32_t i = 0; i < plan_.length; ++i) run_one(i);
    return ok_status();
  }

  Result<std::vector<DynamicValue>> ask(std::span<Buffer* const> operands,
                                        std::span<const uint64_t> words) override {
    MOAI_RETURN_IF_ERROR(prepare_library());
    return library_->ask(operands, words);
  }

 private:
  uint32_t at(uint32_t list, uint32_t i) const { return list * plan_.length + i; }

  // Where the operands lie; false where the loops would not do what the library does.
  bool find(std::span<Buffer* const> operands) {
    if (operands.size() != plan_.tensors.size()) return false;
    for (size_t i = 0; i < operands.size(); ++i) {
      const ForeachPlan::Tensor& tensor = plan_.tensors[i];
      ranges_[i] = {};
      if (tensor.count == 0) continue;
      if (!operands[i] || operands[i]->size_bytes() < tensor.bytes_least) return false;
      auto* data = static_cast<char*>(AtenBuffer::of(*operands[i]).storage().mutable_data());
      ranges_[i] = {data + tensor.begin, static_cast<uint64_t>(tensor.count) * sizeof(Real)};
    }
    return !plan_.in_place || is_apart();
  }

  // What is written is an input itself or shares nothing with it.
  bool is_apart() const {
    for (uint32_t i = 0; i < plan_.length; ++i) {
      const Range& out = ranges_[i];
      for (uint32_t list = 1; list < plan_.lists; ++list) {
        const Range& in = ranges_[at(list, i)];
        if (in.begin != out.begin && in.overlaps(out)) return false;
      }
      if (plan_.scalar == ForeachPlan::Scalar::kTensor && ranges_.back().overlaps(out)) {
        return false;
      }
    }
    return true;
  }

  // False where the loops do not fit one. The library refuses a scalar that overflows, or counts on
  // with infinity.
  bool read_scalars(std::span<const uint64_t> words) {
    if (plan_.scalar == ForeachPlan::Scalar::kNone) return true;
    if (plan_.scalar == ForeachPlan::Scalar::kTensor) {
      scalars_.assign(plan_.length, *reinterpret_cast<const Real*>(ranges_.back().begin));
      return true;
    }
    if (words.size() != plan_.integers.size()) return false;
    for (size_t i = 0; i < plan_.length; ++i) {
      const size_t word = plan_.scalar == ForeachPlan::Scalar::kEach ? i : 0;
      scalars_[i] = plan_.integers[word] ? static_cast<Real>(static_cast<int64_t>(words[word]))
                                         : static_cast<Real>(std::bit_cast<double>(words[word]));
      if (!std::isfinite(scalars_[i])) return false;
      if (plan_.kind == loops::Kind::kLerp && scalars_[i] == 1) return false;
    }
    return true;
  }

  Status make(std::span<BufferPtr> fresh) {
    return without_exceptions([&] {
      for (size_t i = 0; i < made_.size(); ++i) {
        if (plan_.fresh_bytes[i] == 0) continue;
        c10::Storage storage = make_storage(plan_.fresh_bytes[i], device_);
        made_[i] = static_cast<Real*>(storage.mutable_data());
        fresh[i] = std::make_unique<AtenBuffer>(std::move(storage));
      }
      return ok_status();
    });
  }

  const Real* input(uint32_t list, uint32_t i) const {
    return list < plan_.lists ? reinterpret_cast<const Real*>(ranges_[at(list, i)].begin) : nullptr;
  }

  void run_one(uint32_t i) {
    const int64_t count = plan_.tensors[i].count;
    if (count == 0) return;
    const loops::Lane<Real> lane{
        .a = input(0, i),
        .b = input(1, i),
        .c = input(2, i),
        .out = plan_.in_place ? reinterpret_cast<Real*>(ranges_[i].begin) : made_[i],
        .scalar = scalars_[i]};
    if (count < kGrain) return loops::run(plan_.kind, count, lane);
    use_threads(device_threads());
    at::parallel_for(0, count, kGrain, [&](int64_t begin, int64_t end) {
      loops::Lane<Real> part = lane;
      part.a += begin;
      if (part.b) part.b += begin;
      if (part.c) part.c += begin;
      part.out += begin;
      loops::run(plan_.kind, end - begin, part);
    });
  }

  Status prepare_library() {
    if (library_) return ok_status();
    return without_exceptions([&]() -> Status {
      MOAI_ASSIGN_OR_RETURN(library_, AtenCall::make(signature_, device_));
      return ok_status();
    });
  }

  Status run_library(std::span<Buffer* const> operands, std::span<const uint64_t> words,
                     std::span<BufferPtr> fresh) {
    MOAI_RETURN_IF_ERROR(prepare_library());
    return library_->run(operands, words, fresh);
  }

  const ops::CallSignature signature_;
  const ForeachPlan plan_;
  const c10::Device device_;
  std::unique_ptr<Call> library_;  // once it was needed
  // Of the call at hand.
  std::vector<Range> ranges_;  // by operand
  std::vector<Real> scalars_;  // by item
  std::vector<Real*> made_;    // by item
};

}  // namespace

std::unique_ptr<Call> make_foreach_call(const ops::CallSignature& signature, c10::Device device) {
  if (!device.is_cpu() || !loops::loops_fit_machine()) return nullptr;
  auto plan = plan_foreach(signature);
  if (!plan) return nullptr;
  if (plan->dtype == tensor::DType::kFloat32) {
    return std::make_unique<ForeachCall<float>>(signature, std::move(*plan), device);
  }
  return std::make_unique<ForeachCall<double>>(signature, std::move(*plan), device);
}

}  // namespace moai::device
