#include "moai/front/capture/operator.h"

#include <mutex>
#include <unordered_map>
#include <unordered_set>

namespace moai::front {
namespace {

// Operators whose scalars decide a shape: their values are part of the signature.
bool scalars_decide_shape(std::string_view name) {
  return name.starts_with("aten::arange") || name.starts_with("aten::range");
}

bool shapes_depend_on_data(const std::string& name) {
  static const std::unordered_set<std::string> names = {"aten::nonzero",
                                                        "aten::masked_select",
                                                        "aten::_unique",
                                                        "aten::_unique2",
                                                        "aten::unique_consecutive",
                                                        "aten::unique_dim",
                                                        "aten::unique_dim_consecutive",
                                                        "aten::equal",
                                                        "aten::bincount",
                                                        "aten::repeat_interleave.Tensor",
                                                        "aten::histc",
                                                        "aten::is_nonzero",
                                                        "aten::item",
                                                        "aten::allclose",
                                                        "aten::nonzero.out",
                                                        "aten::masked_select.out",
                                                        "aten::_is_all_true",
                                                        "aten::_is_any_true",
                                                        "aten::_linalg_check_errors"};
  return names.contains(name);
}

bool draws_without_generator(const std::string& name) {
  static const std::unordered_set<std::string> names = {"aten::native_dropout"};
  return names.contains(name);
}

// Operators that change running statistics without saying so in their schema.
bool written_silently(const std::string& name, const std::string& argument) {
  static const std::unordered_set<std::string> names = {
      "aten::native_batch_norm", "aten::cudnn_batch_norm", "aten::miopen_batch_norm",
      "aten::batch_norm_gather_stats", "aten::batch_norm_gather_stats_with_counts"};
  return names.contains(name) && (argument == "running_mean" || argument == "running_var");
}

bool takes_host_tensors(const std::string& name) {
  for (const char* part : {"index", "_foreach", "_fused", "_scaled_dot", "_ctc_loss"}) {
    if (name.find(part) != std::string::npos) return true;
  }
  return false;
}

const c10::Type& innermost(const c10::Argument& argument) {
  const c10::Type* type = argument.real_type().get();
  if (type->kind() == c10::TypeKind::OptionalType) {
    type = type->castRaw<c10::OptionalType>()->getElementType().get();
  }
  if (type->kind() == c10::TypeKind::ListType) {
    type = type->castRaw<c10::ListType>()->getElementType().get();
  }
  return *type;
}

Operator::Argument describe_argument(const std::string& name, const c10::Argument& a) {
  const auto kind = innermost(a).kind();
  const bool by_value = scalars_decide_shape(name);
  Operator::Argument d;
  d.written = (a.alias_info() && a.alias_info()->isWrite()) || written_silently(name, a.name());
  d.is_number = kind == c10::TypeKind::NumberType && !by_value;
  d.is_float = d.is_number || (kind == c10::TypeKind::FloatType && !by_value);
  d.is_generator = kind == c10::TypeKind::GeneratorType;
  return d;
}

Operator::Return describe_return(const c10::FunctionSchema& schema, const c10::Argument& r) {
  Operator::Return d;
  if (!r.alias_info()) return d;
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const c10::AliasInfo* alias = schema.arguments()[i].alias_info();
    if (!alias || !(*alias == *r.alias_info())) continue;
    d.kind =
        alias->isWrite() ? Operator::ReturnKind::kWrittenArgument : Operator::ReturnKind::kView;
    d.argument = i;
    return d;
  }
  return d;
}

std::unique_ptr<Operator> describe(const c10::OperatorHandle& handle) {
  auto op = std::make_unique<Operator>(handle);
  const c10::FunctionSchema& schema = handle.schema();
  op->name = c10::toString(handle.operator_name());
  for (const c10::Argument& a : schema.arguments()) {
    op->arguments.push_back(describe_argument(op->name, a));
    if (op->arguments.back().is_generator) op->has_generator_argument = true;
  }
  for (const c10::Argument& r : schema.returns()) {
    op->returns.push_back(describe_return(schema, r));
  }
  op->asks = shapes_depend_on_data(op->name);
  op->draws = op->has_generator_argument || draws_without_generator(op->name);
  op->mixes_devices = takes_host_tensors(op->name);
  return op;
}

}  // namespace

const Operator& resolve(const c10::OperatorHandle& handle) {
  thread_local std::unordered_map<const void*, const Operator*> known;
  const void* key = &handle.schema();
  if (const auto it = known.find(key); it != known.end()) return *it->second;
  static std::mutex mutex;
  static std::unordered_map<const void*, std::unique_ptr<Operator>> operators;
  const std::lock_guard lock(mutex);
  std::unique_ptr<Operator>& op = operators[key];
  if (!op) op = describe(handle);
  known[key] = op.get();
  return *op;
}

}  // namespace moai::front
