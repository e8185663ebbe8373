#include "moai/device/aten/call/arguments_builder.h"

#include <ATen/core/jit_type.h>

#include "moai/device/aten/call/tensors.h"

namespace moai::device {
namespace {

using c10::IValue;
using c10::TypeKind;
using c10::TypePtr;
using ops::Arg;
using ops::ArgKind;

TypePtr without_optional(const TypePtr& type) {
  if (type->kind() != TypeKind::OptionalType) return type;
  return type->castRaw<c10::OptionalType>()->getElementType();
}

// Whether the operator can take the value off the stack as what its schema says.
bool fits(const IValue& value, const TypePtr& type) {
  if (value.isNone()) {
    return type->kind() == TypeKind::OptionalType || type->kind() == TypeKind::GeneratorType;
  }
  const TypePtr plain = without_optional(type);
  if (value.isTensor()) return plain->kind() == TypeKind::TensorType;
  if (plain->kind() == TypeKind::NumberType) return value.isScalar();
  if (value.isList() && plain->kind() == TypeKind::ListType) {
    const TypePtr item = plain->castRaw<c10::ListType>()->getElementType();
    for (const IValue& v : value.toListRef()) {
      if (!fits(v, item)) return false;
    }
    return true;
  }
  return value.type()->isSubtypeOf(*plain);
}

Status misfit(const std::string& argument) {
  return invalid_argument("[device.aten] the signature does not fit the schema: argument " +
                          argument);
}

// A number of the signature that hostile bytes may have left out.
int64_t int_of(const Arg& arg) { return arg.ints.empty() ? 0 : arg.ints[0]; }
double double_of(const Arg& arg, size_t at) {
  return at < arg.doubles.size() ? arg.doubles[at] : 0;
}

std::optional<IValue> constant(const Arg& arg, c10::Device device) {
  switch (arg.kind) {
    case ArgKind::kNone:
      return IValue();
    case ArgKind::kBool:
      return IValue(int_of(arg) != 0);
    case ArgKind::kInt:
      return IValue(int_of(arg));
    case ArgKind::kDouble:
      return IValue(double_of(arg, 0));
    case ArgKind::kComplex:
      return IValue(c10::complex<double>(double_of(arg, 0), double_of(arg, 1)));
    case ArgKind::kString:
      return IValue(arg.text);
    case ArgKind::kIntList:
      return IValue(arg.ints);
    case ArgKind::kDoubleList:
      return IValue(arg.doubles);
    case ArgKind::kDevice:
      return IValue(device);
    case ArgKind::kBoolList: {
      c10::List<bool> list;
      for (int64_t v : arg.ints) list.push_back(v != 0);
      return IValue(std::move(list));
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

Status Arguments::Builder::build(const c10::FunctionSchema& schema,
                                 const ops::CallSignature& signature) {
  const auto& arguments = schema.arguments();
  const size_t count = arguments.size();
  // An operator that draws without a generator argument has its generator after the others.
  const bool implicit =
      signature.args.size() == count + 1 && signature.args.back().kind == ArgKind::kGenerator;
  if (signature.args.size() != count && !implicit) {
    return misfit("count " + std::to_string(signature.args.size()) + " of " +
                  std::to_string(count));
  }
  out_.values_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    MOAI_ASSIGN_OR_RETURN(IValue value,
                          value_of(signature.args[i], arguments[i].type(), {i, std::nullopt}));
    if (!fits(value, arguments[i].type())) return misfit(arguments[i].name());
    out_.values_[i] = std::move(value);
  }
  if (implicit) word(signature.args.back(), {});
  return ok_status();
}

Result<IValue> Arguments::Builder::value_of(const Arg& arg, const TypePtr& type, Place place) {
  switch (arg.kind) {
    case ArgKind::kUndefined:
      return type->kind() == TypeKind::OptionalType ? IValue() : IValue(at::Tensor());
    case ArgKind::kTensor:
      return operand(arg, place);
    case ArgKind::kHostScalar:
    case ArgKind::kGenerator:
    case ArgKind::kDoubleWord:
    case ArgKind::kIntWord:
      return word(arg, place);
    case ArgKind::kList:
      if (place.item) return misfit("a list in a list");
      return list_of(arg, without_optional(type), place.argument);
    default:
      if (auto value = constant(arg, out_.device_)) return std::move(*value);
      return misfit("of unknown kind");
  }
}

Result<IValue> Arguments::Builder::list_of(const Arg& arg, const TypePtr& type, size_t argument) {
  if (type->kind() != TypeKind::ListType) return misfit("a list");
  const TypePtr item_type = type->castRaw<c10::ListType>()->getElementType();
  if (item_type->kind() == TypeKind::OptionalType) out_.index_lists_.push_back(argument);
  c10::impl::GenericList list(item_type);
  for (size_t i = 0; i < arg.items.size(); ++i) {
    MOAI_ASSIGN_OR_RETURN(IValue item, value_of(arg.items[i], item_type, {argument, i}));
    if (!fits(item, item_type)) return misfit("a list of other items");
    list.push_back(std::move(item));
  }
  return IValue(std::move(list));
}

IValue Arguments::Builder::operand(const Arg& arg, const Place& place) {
  Operand operand;
  operand.place = place;
  operand.geometry = arg.geometry;
  operand.size_bytes = static_cast<size_t>(tensor::storage_bytes(arg.geometry));
  operand.on_host = arg.geometry.flags & tensor::Geometry::kHost;
  operand.written = arg.written;
  at::Tensor tensor = make_tensor(arg.geometry, empty_storage(out_.device_), out_.device_);
  operand.tensor = tensor.unsafeGetTensorImpl();
  if (tensor.is_conj() || tensor.is_neg()) out_.has_lazy_operand_ = true;
  out_.operands_.push_back(std::move(operand));
  return tensor;
}

IValue Arguments::Builder::word(const Arg& arg, const Place& place) {
  Word word{arg.kind, place, {}};
  IValue value;
  if (arg.kind == ArgKind::kDoubleWord) value = 0.0;
  if (arg.kind == ArgKind::kIntWord) value = int64_t{0};
  if (arg.kind == ArgKind::kGenerator) out_.has_generator_ = true;
  if (arg.kind == ArgKind::kHostScalar) {
    tensor::Geometry scalar;
    scalar.dtype = arg.geometry.dtype;
    scalar.flags = arg.geometry.flags & tensor::Geometry::kWrappedNumber;
    word.scalar = make_tensor(scalar, make_scalar_storage(), c10::kCPU);
    value = word.scalar;
  }
  out_.words_.push_back(std::move(word));
  return value;
}

}  // namespace moai::device
