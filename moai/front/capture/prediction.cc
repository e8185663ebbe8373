#include "moai/front/capture/prediction.h"

#include <optional>

#include "moai/front/device/script.h"

namespace moai::front {
namespace {

using c10::IValue;
using torch::jit::Stack;

void check_one_device(const Operator& op, Arguments arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].isTensor()) continue;
    const at::Tensor& t = arguments[i].toTensor();
    if (!t.defined() || !t.is_cpu()) continue;
    const bool accepted =
        !op.arguments[i].written && (op.mixes_devices || op.arguments[i].on_host || t.dim() == 0);
    TORCH_CHECK(accepted,
                "Expected all tensors to be on the same device, but found at least two devices, "
                "cuda:0 and cpu! (when checking argument for argument ",
                op.handle.schema().arguments()[i].name(), " in method ", op.name, ")");
  }
}

// Indexing by a mask picks as many elements as the mask says.
bool indexes_by_mask(const Operator& op, Arguments arguments) {
  if (op.name != "aten::index.Tensor" && op.name != "aten::_unsafe_index.Tensor") return false;
  for (const IValue& index : arguments[1].toListRef()) {
    if (!index.isTensor() || !index.toTensor().defined()) continue;
    const auto type = index.toTensor().scalar_type();
    if (type == at::kBool || type == at::kByte) return true;
  }
  return false;
}

at::Tensor meta_of(const at::Tensor& t) {
  if (!t.defined() || (t.is_cpu() && t.dim() == 0)) return t;
  at::Tensor m = at::detail::empty_strided_meta(t.sizes(), t.strides(), t.scalar_type());
  if (t.storage_offset() != 0) {
    m.unsafeGetTensorImpl()->set_storage_offset(t.storage_offset());
    const size_t bytes =
        at::detail::computeStorageNbytes(t.sizes(), t.strides(), t.itemsize(), t.storage_offset());
    if (m.storage().nbytes() < bytes) m.storage().set_nbytes(bytes);
  }
  if (t.unsafeGetTensorImpl()->is_wrapped_number()) {
    m.unsafeGetTensorImpl()->set_wrapped_number(true);
  }
  m._set_conj(t.is_conj());
  m._set_neg(t.is_neg());
  return m;
}

IValue meta_of(const IValue& v) {
  if (v.isTensor()) return meta_of(v.toTensor());
  if (v.isTensorList()) {
    std::vector<at::Tensor> metas;
    for (const IValue& item : v.toListRef()) metas.push_back(meta_of(item.toTensor()));
    return metas;
  }
  if (v.isDevice()) return c10::Device(at::kMeta);
  if (v.isGenerator()) return {};
  if (!v.isList() || v.isIntList() || v.isDoubleList() || v.isBoolList()) return v;
  const c10::List<IValue> items = v.toList();
  c10::impl::GenericList metas(items.elementType());
  for (const IValue& item : v.toListRef()) metas.push_back(meta_of(item));
  return metas;
}

bool has_meta(const c10::OperatorHandle& handle) {
  for (const auto key : {c10::DispatchKey::Meta, c10::DispatchKey::CompositeExplicitAutograd,
                         c10::DispatchKey::CompositeExplicitAutogradNonFunctional}) {
    if (handle.hasKernelForDispatchKey(key)) return true;
  }
  return false;
}

// The results as torch's own shape functions give them; absent when there is none.
std::optional<std::vector<IValue>> results_by_meta(const Operator& op, Arguments arguments) {
  if (!has_meta(op.handle)) return std::nullopt;
  Stack stack;
  for (const IValue& v : arguments) stack.push_back(meta_of(v));
  const c10::impl::ExcludeDispatchKeyGuard below_autograd(
      c10::autograd_dispatch_keyset_with_ADInplaceOrView);
  try {
    op.handle.callBoxed(&stack);
  } catch (const c10::NotImplementedError&) {
    return std::nullopt;
  } catch (...) {
    if (script().is_not_implemented && script().is_not_implemented()) return std::nullopt;
    throw;
  }
  return std::vector<IValue>(stack.end() - static_cast<std::ptrdiff_t>(op.returns.size()),
                             stack.end());
}

// Without a shape function an operator that only writes its arguments keeps their shapes.
bool only_writes(const Operator& op) {
  for (const Operator::Return& r : op.returns) {
    if (r.kind != Operator::ReturnKind::kWrittenArgument) return false;
  }
  return true;
}

Recipe::Output written_argument(const Operator::Return& r, const IValue& before,
                                const IValue* predicted) {
  Recipe::Output output;
  output.kind = Recipe::Kind::kArgument;
  output.argument = r.argument;
  if (!predicted || !before.isTensor() || !predicted->isTensor()) return output;
  const at::Tensor& after = predicted->toTensor();
  if (!after.defined() || !before.toTensor().defined()) return output;
  if (after.sizes() == before.toTensor().sizes()) return output;
  output.resized = true;
  output.shapes = {TensorShape::of(after)};
  return output;
}

Recipe::Output made_value(const Operator::Return& r, const IValue& predicted) {
  const bool view = r.kind == Operator::ReturnKind::kView;
  Recipe::Output output;
  output.argument = r.argument;
  if (predicted.isTensor()) {
    output.kind = view ? Recipe::Kind::kView : Recipe::Kind::kFresh;
    output.shapes = {TensorShape::of(predicted.toTensor())};
  } else if (predicted.isTensorList()) {
    output.kind = view ? Recipe::Kind::kViewList : Recipe::Kind::kFreshList;
    for (const IValue& item : predicted.toListRef()) {
      output.shapes.push_back(TensorShape::of(item.toTensor()));
    }
  } else {
    output.kind = Recipe::Kind::kValue;
    output.value = predicted;
  }
  return output;
}

bool only_metadata(const Recipe& recipe) {
  for (const Recipe::Output& o : recipe.outputs) {
    if (o.kind != Recipe::Kind::kView && o.kind != Recipe::Kind::kViewList) return false;
  }
  return !recipe.outputs.empty();
}

}  // namespace

std::unique_ptr<Recipe> predict(const Operator& op, Arguments arguments) {
  check_one_device(op, arguments);
  if (indexes_by_mask(op, arguments)) return nullptr;
  const auto results = results_by_meta(op, arguments);
  if (!results && !only_writes(op)) return nullptr;
  auto recipe = std::make_unique<Recipe>();
  for (size_t i = 0; i < op.returns.size(); ++i) {
    const Operator::Return& r = op.returns[i];
    const IValue* predicted = results ? &(*results)[i] : nullptr;
    recipe->outputs.push_back(r.kind == Operator::ReturnKind::kWrittenArgument
                                  ? written_argument(r, arguments[r.argument], predicted)
                                  : made_value(r, *predicted));
    recipe->resizes |= recipe->outputs.back().resized;
  }
  recipe->recorded = !only_metadata(*recipe);
  return recipe;
}

}  // namespace moai::front
