#include "moai/device/aten/call/arguments.h"

#include <bit>
#include <cstring>

#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/call/arguments_builder.h"
#include "moai/device/aten/call/tensors.h"

namespace moai::device {

using ops::ArgKind;

Result<Arguments> Arguments::make(const c10::FunctionSchema& schema,
                                  const ops::CallSignature& signature, c10::Device device) {
  Arguments arguments;
  arguments.device_ = device;
  Builder builder(&arguments);
  MOAI_RETURN_IF_ERROR(builder.build(schema, signature));
  return arguments;
}

void Arguments::put(const Place& place, c10::IValue value) {
  if (!place.item) {
    values_[place.argument] = std::move(value);
  } else {
    values_[place.argument].toList().set(*place.item, std::move(value));
  }
}

bool Arguments::Operand::reusable() const {
  if (!tensor || c10::raw::intrusive_ptr::use_count(tensor) != 1) return false;
  return !written || (tensor->sizes() == at::IntArrayRef(geometry.sizes) &&
                      tensor->strides() == at::IntArrayRef(geometry.strides) &&
                      tensor->storage_offset() == geometry.offset);
}

void Arguments::renew(Operand* operand) {
  at::Tensor tensor = make_tensor(operand->geometry, empty_storage(device_), device_);
  operand->tensor = tensor.unsafeGetTensorImpl();
  put(operand->place, std::move(tensor));
}

Status Arguments::bind(std::span<Buffer* const> operands, std::span<const uint64_t> words,
                       torch::jit::Stack* stack) {
  if (operands.size() != operands_.size()) {
    return invalid_argument("[device.aten] wrong number of operands: " +
                            std::to_string(operands.size()));
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    Operand& operand = operands_[i];
    const uint64_t has = operands[i] ? AtenBuffer::of(*operands[i]).storage().nbytes() : 0;
    if (has < operand.size_bytes) {
      return invalid_argument("[device.aten] operand " + std::to_string(i) + " " +
                              tensor::to_string(operand.geometry) +
                              " does not lie in a storage of " + std::to_string(has) + " bytes");
    }
    if (!operands[i]) {
      // A kernel may give memory to an output that has none; not to the storage all share.
      if (operand.written) operand.tensor->set_storage_keep_dtype(make_storage(0, device_));
      operand.bare = true;
      continue;
    }
    operand.bare = false;
    const c10::Storage& storage = AtenBuffer::of(*operands[i]).storage();
    if (operand.on_host && !device_.is_cpu()) {
      put(operand.place, make_tensor(operand.geometry, storage, device_).cpu());
      operand.tensor = nullptr;
    } else {
      operand.tensor->set_storage_keep_dtype(storage);
    }
  }
  bind_words(words);
  const size_t first = stack->size();
  stack->insert(stack->end(), values_.begin(), values_.end());
  for (const size_t i : index_lists_) (*stack)[first + i] = values_[i].toList().copy();
  return ok_status();
}

void Arguments::bind_words(std::span<const uint64_t> words) {
  size_t next = 0;
  for (Word& word : words_) {
    switch (word.kind) {
      case ArgKind::kDoubleWord:
        put(word.place, std::bit_cast<double>(words[next]));
        break;
      case ArgKind::kIntWord:
        put(word.place, static_cast<int64_t>(words[next]));
        break;
      case ArgKind::kHostScalar:
        std::memcpy(word.scalar.mutable_data_ptr(), &words[next], word.scalar.element_size());
        ++next;
        break;
      default:
        seed_ = words[next];
        counter_ = words[++next];
    }
    ++next;
  }
}

void Arguments::settle(std::span<Buffer* const> operands) {
  for (size_t i = 0; i < operands.size(); ++i) {
    const Operand& operand = operands_[i];
    if (!operand.written || !operand.tensor) continue;
    const tensor::Geometry& g = operand.geometry;
    const bool conj = g.flags & tensor::Geometry::kConj, neg = g.flags & tensor::Geometry::kNeg;
    at::Tensor given(
        c10::intrusive_ptr<c10::TensorImpl>::unsafe_reclaim_from_nonowning(operand.tensor));
    if (given.is_conj() != conj || given.is_neg() != neg) {
      const at::Tensor values = given.clone().resolve_conj().resolve_neg();
      given._set_conj(conj);
      given._set_neg(neg);
      given.copy_(values);
    }
    if (operand.bare || given.sizes() != at::IntArrayRef(g.sizes) || lies_like(given, g)) continue;
    make_tensor(g, AtenBuffer::of(*operands[i]).storage(), device_).copy_(given.clone());
  }
}

void Arguments::release() {
  const c10::Storage& nothing = empty_storage(device_);
  for (Operand& operand : operands_) {
    if (operand.reusable()) {
      operand.tensor->set_storage_keep_dtype(nothing);
    } else {
      renew(&operand);
    }
  }
}

const Arguments::Operand* Arguments::written(const at::Tensor& tensor) const {
  for (const Operand& operand : operands_) {
    if (operand.written && operand.tensor == tensor.unsafeGetTensorImpl()) return &operand;
  }
  return nullptr;
}

}  // namespace moai::device
