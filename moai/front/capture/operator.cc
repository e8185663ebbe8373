#include "moai/front/capture/operator.h"

#include <mutex>
#include <unordered_map>

#include "moai/ops/facts.h"

namespace moai::front {
namespace {

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

Operator::Argument describe_argument(const ops::OpFacts& facts, const c10::Argument& a) {
  const auto kind = innermost(a).kind();
  Operator::Argument d;
  d.written = a.alias_info() && a.alias_info()->isWrite();
  d.written_silently = ops::contains(facts.writes, a.name());
  d.is_number = kind == c10::TypeKind::NumberType && !facts.words_by_value;
  d.is_float = d.is_number || (kind == c10::TypeKind::FloatType && !facts.words_by_value);
  d.is_generator = kind == c10::TypeKind::GeneratorType;
  d.on_host = ops::contains(facts.host, a.name());
  return d;
}

int position(const c10::FunctionSchema& schema, std::string_view name) {
  if (name.empty()) return -1;
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    if (schema.arguments()[i].name() == name) return static_cast<int>(i);
  }
  return -1;
}

// None and absent conditions count as true.
bool holds(const c10::IValue& v) {
  if (v.isBool()) return v.toBool();
  if (v.isDouble()) return v.toDouble() != 0;
  if (v.isInt()) return v.toInt() != 0;
  return true;
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
  static constexpr ops::OpFacts kNoFacts;
  auto op = std::make_unique<Operator>(handle);
  const c10::FunctionSchema& schema = handle.schema();
  const c10::OperatorName& name = handle.operator_name();
  const ops::OpFacts* known = ops::op_facts(name.name, name.overload_name);
  const ops::OpFacts& facts = known ? *known : kNoFacts;
  op->name = c10::toString(name);
  for (const c10::Argument& a : schema.arguments()) {
    op->arguments.push_back(describe_argument(facts, a));
    if (op->arguments.back().is_generator) op->has_generator_argument = true;
  }
  for (size_t i = 0; i < schema.returns().size(); ++i) {
    op->returns.push_back(describe_return(schema, schema.returns()[i]));
    op->returns.back().auxiliary = facts.auxiliary >> i & 1;
    op->returns.back().on_host = facts.host_results >> i & 1;
  }
  op->writes_if = position(schema, facts.writes_if);
  op->draws_if = position(schema, facts.draws_if);
  op->asks =
      facts.data != ops::DataDependence::kNone && facts.data != ops::DataDependence::kBoolIndex;
  op->draws = op->has_generator_argument || facts.draws;
  op->mixes_devices = takes_host_tensors(op->name);
  return op;
}

}  // namespace

bool draws(const Operator& op, Arguments arguments) {
  return op.draws && (op.draws_if < 0 || holds(arguments[static_cast<size_t>(op.draws_if)]));
}

bool writes_silently(const Operator& op, Arguments arguments) {
  return op.writes_if < 0 || holds(arguments[static_cast<size_t>(op.writes_if)]);
}

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
