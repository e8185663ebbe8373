#include "moai/device/aten/call/results.h"

#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/call/tensors.h"

namespace moai::device {
namespace {

using c10::IValue;

BufferPtr adopt(const at::Tensor& tensor) {
  return std::make_unique<AtenBuffer>(tensor.unsafeGetTensorImpl()->unsafe_storage());
}

Status unlike(const tensor::Geometry& predicted, const at::Tensor& made) {
  return internal_error("[device.aten] predicted " + tensor::to_string(predicted) + ", got " +
                        (made.defined() ? tensor::to_string(geometry_of(made)) : "no tensor"));
}

// Of half-precision inputs: each kind of device keeps them in a type of its own.
bool is_statistics(const at::Tensor& made, tensor::DType predicted) {
  const auto narrow = [](at::ScalarType type) {
    return type == at::kFloat || type == at::kHalf || type == at::kBFloat16;
  };
  return narrow(made.scalar_type()) && narrow(static_cast<at::ScalarType>(predicted));
}

Result<DynamicValue> dynamic_value(const IValue& value, const Arguments& arguments,
                                   c10::Device device);

DynamicValue dynamic_tensor(const at::Tensor& given, const Arguments& arguments,
                            c10::Device device) {
  DynamicValue value;
  if (!given.defined()) {
    value.kind = DynamicValue::Kind::kUndefined;
    return value;
  }
  value.kind = DynamicValue::Kind::kTensor;
  if (arguments.is_written(given)) {
    value.written_argument = true;
    value.geometry = geometry_of(given);
    if (given.numel() && arguments.is_bare(given)) value.buffer = adopt(given);
    return value;
  }
  at::Tensor tensor = given;
  if (tensor.layout() != c10::kStrided) tensor = tensor.to_dense();
  tensor = tensor.resolve_conj().resolve_neg().to(device);
  const bool shared = tensor.unsafeGetTensorImpl()->unsafe_storage().use_count() > 1;
  if (shared || tensor.storage_offset() || !tensor.is_non_overlapping_and_dense()) {
    tensor = tensor.clone(at::MemoryFormat::Contiguous);
  }
  value.geometry = geometry_of(tensor);
  if (tensor.numel()) value.buffer = adopt(tensor);
  return value;
}

Result<DynamicValue> dynamic_list(const IValue& list, const Arguments& arguments,
                                  c10::Device device) {
  DynamicValue value;
  value.kind = DynamicValue::Kind::kList;
  for (const IValue& item : list.toListRef()) {
    MOAI_ASSIGN_OR_RETURN(DynamicValue v, dynamic_value(item, arguments, device));
    value.items.push_back(std::move(v));
  }
  return value;
}

Result<DynamicValue> dynamic_value(const IValue& v, const Arguments& arguments,
                                   c10::Device device) {
  using Kind = DynamicValue::Kind;
  if (v.isTensor()) return dynamic_tensor(v.toTensor(), arguments, device);
  if (v.isList()) return dynamic_list(v, arguments, device);
  DynamicValue value;
  if (v.isBool()) {
    value.kind = Kind::kBool;
    value.integer = v.toBool();
  } else if (v.isInt()) {
    value.kind = Kind::kInt;
    value.integer = v.toInt();
  } else if (v.isDouble()) {
    value.kind = Kind::kDouble;
    value.real = v.toDouble();
  } else if (!v.isNone()) {
    return unimplemented("[device.aten] a result of type " + v.tagKind() + " can not be sent");
  }
  return value;
}

}  // namespace

Results::Results(std::vector<ops::Result> predicted, c10::Device device)
    : device_(device), count_(predicted.size()) {
  for (size_t i = 0; i < predicted.size(); ++i) add(predicted[i], i, std::nullopt);
}

void Results::add(const ops::Result& result, size_t index, std::optional<size_t> item) {
  if (result.kind == ops::ResultKind::kFresh) {
    const auto bytes = static_cast<size_t>(tensor::storage_bytes(result.geometry));
    tensors_.push_back({index, item, result.auxiliary, result.geometry, bytes});
  }
  if (result.kind != ops::ResultKind::kList) return;
  for (size_t i = 0; i < result.items.size(); ++i) add(result.items[i], index, i);
}

Status Results::bind(torch::jit::Stack* stack, std::span<BufferPtr> fresh) const {
  if (stack->size() != count_) {
    return invalid_argument(
        "[device.aten] the signature does not fit the schema: " + std::to_string(count_) +
        " results of " + std::to_string(stack->size()));
  }
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor& predicted = tensors_[i];
    IValue& value = (*stack)[predicted.result];
    at::Tensor made;
    if (!predicted.item) {
      made = std::move(value).toTensor();
    } else {
      c10::List<at::Tensor> list = value.toTensorList();
      if (*predicted.item >= list.size()) return unlike(predicted.geometry, made);
      made = list.extract(*predicted.item);
    }
    MOAI_RETURN_IF_ERROR(bind_one(predicted, std::move(made), &fresh[i]));
  }
  return ok_status();
}

Status Results::bind_one(const Tensor& predicted, at::Tensor made, BufferPtr* out) const {
  const tensor::Geometry& geometry = predicted.geometry;
  const bool shaped = made.defined() && made.sizes() == at::IntArrayRef(geometry.sizes);
  const bool alike = shaped && static_cast<tensor::DType>(made.scalar_type()) == geometry.dtype;
  const bool kept = alike || (shaped && !device_.is_cpu() && is_statistics(made, geometry.dtype));
  if (!kept && !predicted.auxiliary) return unlike(geometry, made);
  if (predicted.size_bytes == 0) return ok_status();
  if (alike && made.device() == device_ && lies_like(made, geometry) && owns_storage(made) &&
      made.storage().nbytes() >= predicted.size_bytes) {
    *out = adopt(made);
    return ok_status();
  }
  c10::Storage storage = make_storage(predicted.size_bytes, device_);
  at::Tensor copy = make_tensor(geometry, storage, device_);
  if (kept) {
    copy.copy_(made);
  } else {
    copy.zero_();
  }
  *out = std::make_unique<AtenBuffer>(std::move(storage));
  return ok_status();
}

Result<std::vector<DynamicValue>> dynamic_results(torch::jit::Stack* stack,
                                                  const Arguments& arguments, c10::Device device) {
  std::vector<DynamicValue> values;
  for (IValue& v : *stack) {
    MOAI_ASSIGN_OR_RETURN(DynamicValue value, dynamic_value(v, arguments, device));
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace moai::device
