// Arguments: the arguments of one call signature, made once, so that a run only points tensors at
// storages and fills in words.
//
// The operand tensors are reused: bind() gives them their storages, release() takes those back. A
// kernel that keeps or changes such a tensor gets it for good; release() then makes another.
#pragma once

#include <ATen/core/List.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/stack.h>

#include <optional>
#include <span>
#include <vector>

#include "moai/base/status.h"
#include "moai/device/device.h"
#include "moai/ops/call.h"

namespace moai::device {

class Arguments {
 public:
  // INVALID_ARGUMENT when the signature does not fit the schema. May throw.
  static Result<Arguments> make(const c10::FunctionSchema& schema,
                                const ops::CallSignature& signature, c10::Device device);

  // Puts the arguments on the empty `stack`. INVALID_ARGUMENT when an operand is too small. After a
  // failure or an exception too, release() follows.
  Status bind(std::span<Buffer* const> operands, std::span<const uint64_t> words,
              torch::jit::Stack* stack);
  // After the kernel: an operand that it wrote lies in its storage as the signature says, also
  // where the kernel laid it out anew or left a conjugation pending. Takes the operands of bind().
  void settle(std::span<Buffer* const> operands);
  // Lets go of the storages; nothing on a stack may refer to the operands any longer.
  void release();

  // Of the call's generator argument, after bind().
  bool has_generator() const { return has_generator_; }
  uint64_t seed() const { return seed_; }
  uint64_t counter() const { return counter_; }

  // Whether `tensor` is itself an operand that the call writes.
  bool is_written(const at::Tensor& tensor) const { return written(tensor); }
  // Whether it is one that was bound without memory.
  bool is_bare(const at::Tensor& tensor) const { return written(tensor) && written(tensor)->bare; }
  // Whether an operand has conjugation or negation pending.
  bool has_lazy_operand() const { return has_lazy_operand_; }
  // The value of schema argument `index` in the last bind().
  const c10::IValue& value(size_t index) const { return values_[index]; }

 private:
  struct Place {  // where a value stands
    size_t argument = 0;
    std::optional<size_t> item;  // in the argument's list
  };
  struct Operand {
    Place place;
    tensor::Geometry geometry;
    size_t size_bytes = 0;  // that the storage must have
    bool on_host = false;
    bool written = false;
    bool bare = false;                  // the last bind() had no memory for it
    c10::TensorImpl* tensor = nullptr;  // owned by its place

    bool reusable() const;
  };
  struct Word {
    ops::ArgKind kind;
    Place place;
    at::Tensor scalar;  // kHostScalar
  };
  class Builder;

  const Operand* written(const at::Tensor& tensor) const;
  void put(const Place& place, c10::IValue value);
  void renew(Operand* operand);
  void bind_words(std::span<const uint64_t> words);

  c10::Device device_ = c10::kCPU;
  std::vector<c10::IValue> values_;  // one a schema argument
  // Lists that a kernel is given by reference: some write into them.
  std::vector<size_t> index_lists_;
  std::vector<Operand> operands_;
  std::vector<Word> words_;
  bool has_generator_ = false;
  bool has_lazy_operand_ = false;
  uint64_t seed_ = 0, counter_ = 0;
};

}  // namespace moai::device
