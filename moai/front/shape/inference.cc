#include "moai/front/shape/inference.h"

#include <unordered_map>

#include "moai/front/shape/foreach_check.h"
#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

using c10::IValue;
using torch::jit::Stack;

struct Rule {
  Row::Kind kind;
  c10::KernelFunction function;
};
using Rules = std::unordered_map<std::string, Rule>;

void add(std::span<const Row> rows, Rules* rules) {
  for (const Row& row : rows) {
    std::string name = row.name;
    if (*row.overload) name.append(".").append(row.overload);
    Rule rule{row.kind, {}};
    if (row.function) rule.function = row.box(row.function);
    const bool added = rules->emplace(name, std::move(rule)).second;
    TORCH_INTERNAL_ASSERT(added, "[front.shape] two shape functions for ", name);
  }
}

const Rules& rules() {
  static const Rules* all = [] {
    auto* made = new Rules;
    for (const auto family :
         {activation_rows,  algebra_rows,   arithmetic_rows, image_rows,    index_rows,
          pooling_rows,     reduction_rows, special_rows,    unary_rows,    attention_rows,
          convolution_rows, copy_rows,      embedding_rows,  foreach_rows,  keeping_rows,
          loss_rows,        norm_rows,      order_rows,      padding_rows,  pointwise_rows,
          product_rows,     range_rows,     recurrent_rows,  sampling_rows, scalar_rows,
          statistics_rows,  window_rows}) {
      add(family(), made);
    }
    return made;
  }();
  return *all;
}

const Rule* find(std::string_view name) {
  const auto it = rules().find(std::string(name));
  return it == rules().end() ? nullptr : &it->second;
}

std::vector<IValue> call(const Rule& rule, const c10::OperatorHandle& handle,
                         c10::ArrayRef<IValue> arguments) {
  Stack stack;
  stack.reserve(arguments.size());
  for (const IValue& v : arguments) {
    stack.push_back(rule.kind == Row::Kind::kTorch ? meta_of(v) : v);
  }
  const c10::impl::ExcludeDispatchKeyGuard below_autograd(
      c10::autograd_dispatch_keyset_with_ADInplaceOrView);
  rule.function.callBoxed(handle, c10::DispatchKeySet(c10::DispatchKey::Meta), &stack);
  return stack;
}

}  // namespace

std::optional<Inference> infer(std::string_view name, const c10::OperatorHandle& handle,
                               c10::ArrayRef<IValue> arguments) {
  if (writes_lists(name)) {
    check_lists(name, arguments);
    return Inference{.keeps = true, .results = {}};
  }
  const Rule* rule = find(name);
  if (!rule) return std::nullopt;
  if (rule->kind == Row::Kind::kKeeps) return Inference{.keeps = true, .results = {}};
  return Inference{.keeps = false, .results = call(*rule, handle, arguments)};
}

bool knows(std::string_view name) { return writes_lists(name) || find(name); }

}  // namespace moai::front::shape
