#include "moai/front/capture/prediction.h"

#include <optional>

#include "moai/front/device/device_type.h"
#include "moai/front/device/script.h"
#include "moai/front/shape/inference.h"
#include "moai/front/shape/meta_tensor.h"

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
                "Expected all tensors to be on the same device, but found at least two devices, ",
                device_type(), ":0 and cpu! (when checking argument for argument ",
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

bool has_meta(const c10::OperatorHandle& handle) {
  for (const auto key : {c10::DispatchKey::Meta, c10::DispatchKey::CompositeExplicitAutograd,
                         c10::DispatchKey::CompositeExplicitAutogradNonFunctional}) {
    if (handle.hasKernelForDispatchKey(key)) return true;
  }
  return false;
}

struct Refused {};

bool views(const Operator& op) {
  for (const Operator::Return& r : op.returns) {
    if (r.kind == Operator::ReturnKind::kView) return true;
  }
  return false;
}

// The results as the dispatcher's shape functions give them, most in Python; absent without one.
// Throws Refused where the Worker knows better why not.
std::optional<std::vector<IValue>> results_by_meta(const Operator& op, Arguments arguments) {
  if (!has_meta(op.handle)) return std::nullopt;
  Stack stack;
  for (const IValue& v : arguments) stack.push_back(shape::meta_of(v));
  const c10::impl::ExcludeDispatchKeyGuard below_autograd(
      c10::autograd_dispatch_keyset_with_ADInplaceOrView);
  try {
    op.handle.callBoxed(&stack);
  } catch (const c10::NotImplementedError&) {
    return std::nullopt;
  } catch (...) {
    if (script().is_not_implemented && script().is_not_implemented()) return std::nullopt;
    if (!views(op) && script().is_refusal && script().is_refusal()) throw Refused();
    throw;
  }
  return std::vector<IValue>(stack.end() - static_cast<std::ptrdiff_t>(op.returns.size()),
                             stack.end());
}

// Without a shape function an operator that works in place keeps the shapes of its arguments. One
// that fills an output may give it another.
bool works_in_place(const Operator& op) {
  for (const Operator::Return& r : op.returns) {
    if (r.kind != Operator::ReturnKind::kWrittenArgument) return false;
    if (op.handle.schema().arguments()[r.argument].kwarg_only()) return false;
  }
  return true;
}

// Absent where nothing but a run can tell.
std::optional<shape::Inference> results_of(const Operator& op, Arguments arguments) {
  if (auto inference = shape::infer(op.name, op.handle, arguments)) return inference;
  if (auto results = results_by_meta(op, arguments)) {
    // A composite kernel does here what it does on the device; shape functions may simplify.
    const bool composite = !op.handle.hasKernelForDispatchKey(c10::DispatchKey::Meta);
    return shape::Inference{.results = std::move(*results), .lays_out = composite};
  }
  if (works_in_place(op)) return shape::Inference{.keeps = true, .results = {}};
  return std::nullopt;
}

Recipe::Output written_argument(const Operator::Return& r, const IValue& before,
                                const IValue* predicted, bool lays_out) {
  Recipe::Output output;
  output.kind = Recipe::Kind::kArgument;
  output.argument = r.argument;
  if (!predicted || !before.isTensor() || !predicted->isTensor()) return output;
  const at::Tensor& after = predicted->toTensor();
  if (!after.defined() || !before.toTensor().defined()) return output;
  // Some kernels resize to another shape and back, which lays the output out anew.
  if (after.sizes() == before.toTensor().sizes() &&
      (!lays_out || after.strides() == before.toTensor().strides())) {
    return output;
  }
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

Prediction predict(const Operator& op, Arguments arguments) try {
  check_one_device(op, arguments);
  if (indexes_by_mask(op, arguments)) return {};
  const auto known = results_of(op, arguments);
  if (!known) return {};
  auto recipe = std::make_unique<Recipe>();
  for (size_t i = 0; i < op.returns.size(); ++i) {
    const Operator::Return& r = op.returns[i];
    const IValue* predicted = known->keeps ? nullptr : &known->results[i];
    recipe->outputs.push_back(
        r.kind == Operator::ReturnKind::kWrittenArgument
            ? written_argument(r, arguments[r.argument], predicted, known->lays_out)
            : made_value(r, *predicted));
    recipe->resizes |= recipe->outputs.back().resized;
  }
  recipe->recorded = !only_metadata(*recipe);
  return {.recipe = std::move(recipe), .refused = false};
} catch (const Refused&) {
  return {.recipe = nullptr, .refused = true};
}

}  // namespace moai::front
