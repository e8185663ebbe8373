#include "moai/front/capture/signature.h"

#include "moai/base/bytes.h"
#include "moai/front/device/memory.h"

namespace moai::front {
namespace {

using ops::Arg;
using ops::ArgKind;
using tensor::Geometry;

static_assert(static_cast<int>(tensor::DType::kBFloat16) ==
              static_cast<int>(c10::ScalarType::BFloat16));
static_assert(static_cast<int>(tensor::DType::kUInt64) ==
              static_cast<int>(c10::ScalarType::UInt64));
static_assert(static_cast<int>(tensor::DType::kBool) == static_cast<int>(c10::ScalarType::Bool));

tensor::DType to_dtype(c10::ScalarType type) {
  const auto number = static_cast<uint8_t>(type);
  TORCH_CHECK_NOT_IMPLEMENTED(tensor::is_dtype(number), "tensors of ", type,
                              " are not supported on the device");
  return static_cast<tensor::DType>(number);
}

Arg of_kind(ArgKind kind) {
  Arg arg;
  arg.kind = kind;
  return arg;
}

Arg integer(ArgKind kind, int64_t value) {
  Arg arg = of_kind(kind);
  arg.ints = {value};
  return arg;
}

Arg tensor_arg(const at::Tensor& t, const Operator::Argument& a) {
  if (!t.defined()) return of_kind(ArgKind::kUndefined);
  const bool wrapped = t.unsafeGetTensorImpl()->is_wrapped_number();
  if (t.is_cpu() && t.dim() == 0) {
    Arg arg = of_kind(ArgKind::kHostScalar);
    arg.geometry.dtype = to_dtype(t.scalar_type());
    if (wrapped) arg.geometry.flags |= Geometry::kWrappedNumber;
    return arg;
  }
  Arg arg = of_kind(ArgKind::kTensor);
  arg.written = a.written;
  TensorShape shape = TensorShape::of(t);
  if (t.is_cpu()) {  // uploaded contiguous, see record()
    shape.conj = shape.neg = false;
    shape.offset = 0;
    shape.strides = tensor::contiguous_strides(shape.sizes);
  } else {
    shape.offset = place_of(t).offset;
  }
  arg.geometry = to_geometry(shape);
  if (wrapped) arg.geometry.flags |= Geometry::kWrappedNumber;
  if (a.on_host) arg.geometry.flags |= Geometry::kHost;
  return arg;
}

Arg to_arg(const c10::IValue& v, const Operator::Argument& a);

Arg list_arg(c10::ArrayRef<c10::IValue> items, const c10::IValue& v, const Operator::Argument& a) {
  if (v.isIntList() && !a.is_number) {
    Arg arg = of_kind(ArgKind::kIntList);
    for (const auto& item : items) arg.ints.push_back(item.toInt());
    return arg;
  }
  if (v.isBoolList()) {
    Arg arg = of_kind(ArgKind::kBoolList);
    for (const auto& item : items) arg.ints.push_back(item.toBool());
    return arg;
  }
  Arg arg = of_kind(ArgKind::kList);
  for (const auto& item : items) arg.items.push_back(to_arg(item, a));
  return arg;
}

Arg to_arg(const c10::IValue& v, const Operator::Argument& a) {
  if (v.isTensor()) return tensor_arg(v.toTensor(), a);
  if (a.is_generator) return of_kind(ArgKind::kGenerator);
  if (v.isNone()) return of_kind(ArgKind::kNone);
  if (v.isInt()) {
    return a.is_number ? of_kind(ArgKind::kIntWord) : integer(ArgKind::kInt, v.toInt());
  }
  if (v.isBool()) return integer(ArgKind::kBool, v.toBool());
  if (v.isDouble() && a.is_float) return of_kind(ArgKind::kDoubleWord);
  if (v.isList()) return list_arg(v.toListRef(), v, a);
  if (v.isDevice()) return of_kind(ArgKind::kDevice);
  Arg arg;
  if (v.isDouble()) {
    arg.kind = ArgKind::kDouble;
    arg.doubles = {v.toDouble()};
  } else if (v.isString()) {
    arg.kind = ArgKind::kString;
    arg.text = v.toStringRef();
  } else if (v.isComplexDouble()) {
    arg.kind = ArgKind::kComplex;
    arg.doubles = {v.toComplexDouble().real(), v.toComplexDouble().imag()};
  } else {
    TORCH_INTERNAL_ASSERT(false, "scan lets no ", v.tagKind(), " through");
  }
  return arg;
}

ops::Result fresh_result(const TensorShape& shape, bool auxiliary) {
  ops::Result result;
  result.kind = shape.defined ? ops::ResultKind::kFresh : ops::ResultKind::kUndefined;
  result.auxiliary = auxiliary;
  if (shape.defined) result.geometry = to_geometry(shape);
  return result;
}

ops::Result to_result(const Recipe::Output& output, bool auxiliary) {
  if (output.kind == Recipe::Kind::kFresh) return fresh_result(output.shapes[0], auxiliary);
  ops::Result result;
  if (output.kind != Recipe::Kind::kFreshList) return result;
  result.kind = ops::ResultKind::kList;
  for (const TensorShape& shape : output.shapes) {
    result.items.push_back(fresh_result(shape, auxiliary));
  }
  return result;
}

}  // namespace

Geometry to_geometry(const TensorShape& shape) {
  Geometry g;
  g.dtype = to_dtype(c10::typeMetaToScalarType(shape.dtype));
  g.sizes = shape.sizes;
  g.strides = shape.strides;
  g.offset = shape.offset;
  if (shape.conj) g.flags |= Geometry::kConj;
  if (shape.neg) g.flags |= Geometry::kNeg;
  return g;
}

TensorShape to_shape(const Geometry& g) {
  TensorShape shape;
  shape.defined = true;
  shape.dtype = c10::scalarTypeToTypeMeta(static_cast<c10::ScalarType>(g.dtype));
  shape.sizes = g.sizes;
  shape.strides = g.strides;
  shape.offset = g.offset;
  shape.conj = g.flags & Geometry::kConj;
  shape.neg = g.flags & Geometry::kNeg;
  return shape;
}

ops::CallSignature make_signature(const Operator& op, Arguments arguments, const Recipe* recipe) {
  ops::CallSignature s;
  s.op = op.handle.operator_name().name;
  s.overload = op.handle.operator_name().overload_name;
  const bool silently = writes_silently(op, arguments);
  for (size_t i = 0; i < arguments.size(); ++i) {
    Operator::Argument a = op.arguments[i];
    a.written |= a.written_silently && silently;
    s.args.push_back(to_arg(arguments[i], a));
  }
  if (!op.has_generator_argument && draws(op, arguments))
    s.args.push_back(of_kind(ArgKind::kGenerator));
  s.results.resize(op.returns.size());
  if (!recipe) return s;
  for (size_t r = 0; r < op.returns.size(); ++r) {
    s.results[r] = to_result(recipe->outputs[r], op.returns[r].auxiliary);
  }
  return s;
}

void check_sendable(const ops::CallSignature& signature) {
  std::string bytes;
  Writer out(&bytes);
  ops::encode(signature, &out);
  Reader in(bytes);
  ops::decode_call_signature(&in);
  TORCH_CHECK(in.done(),
              "the device does not take this call, whose tensors have too many elements ",
              "or dimensions: ", ops::to_string(signature));
}

}  // namespace moai::front
