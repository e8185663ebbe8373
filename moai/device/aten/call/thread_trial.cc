#include "moai/device/aten/call/thread_trial.h"

#include <ATen/ops/from_blob.h>

#include <bit>
#include <cstring>
#include <random>

#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/call/tensors.h"

namespace moai::device {
namespace {

constexpr unsigned kTrials = 3;

BufferPtr drawn(const tensor::Geometry& geometry, std::mt19937* random) {
  const auto bytes = static_cast<uint64_t>(tensor::storage_bytes(geometry));
  const auto count = static_cast<int64_t>(bytes / tensor::dtype_size(geometry.dtype));
  std::normal_distribution<double> normal;
  std::vector<double> values(static_cast<size_t>(count));
  for (double& value : values) value = normal(*random);
  c10::Storage storage = make_storage(bytes, c10::kCPU);
  const tensor::Geometry flat{.dtype = geometry.dtype, .sizes = {count}, .strides = {1}};
  make_tensor(flat, storage, c10::kCPU).copy_(at::from_blob(values.data(), {count}, at::kDouble));
  return std::make_unique<AtenBuffer>(std::move(storage));
}

// Ones; false where an argument is neither a number nor a tensor that is read.
bool words_of(const ops::CallSignature& signature, std::vector<uint64_t>* words) {
  for (const ops::Arg& arg : signature.args) {
    switch (arg.kind) {
      case ops::ArgKind::kIntWord:
        words->push_back(1);
        break;
      case ops::ArgKind::kDoubleWord:
        words->push_back(std::bit_cast<uint64_t>(1.0));
        break;
      case ops::ArgKind::kTensor:
        if (arg.written) return false;
        break;
      default:
        return false;
    }
  }
  return true;
}

bool same_bytes(const std::vector<BufferPtr>& a, const std::vector<BufferPtr>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!a[i] || !b[i]) return false;
    const c10::Storage &x = AtenBuffer::of(*a[i]).storage(), &y = AtenBuffer::of(*b[i]).storage();
    if (x.nbytes() != y.nbytes() || std::memcmp(x.data(), y.data(), x.nbytes()) != 0) return false;
  }
  return true;
}

}  // namespace

bool same_on_one_thread(const ops::CallSignature& signature, const TrialRun& run) {
  std::vector<uint64_t> words;
  if (!words_of(signature, &words)) return false;
  for (unsigned trial = 0; trial < kTrials; ++trial) {
    std::mt19937 random(trial);
    std::vector<BufferPtr> owned;
    std::vector<Buffer*> operands;
    for (const ops::Arg& arg : signature.args) {
      if (arg.kind != ops::ArgKind::kTensor) continue;
      owned.push_back(drawn(arg.geometry, &random));
      operands.push_back(owned.back().get());
    }
    std::vector<BufferPtr> all(ops::arity(signature).fresh), one(all.size());
    if (!run(false, operands, words, all).ok() || !run(true, operands, words, one).ok()) {
      return false;
    }
    if (!same_bytes(all, one)) return false;
  }
  return true;
}

}  // namespace moai::device
