#include "moai/ops/sharding/indexed.h"

#include <algorithm>
#include <string_view>

#include "moai/ops/sharding/form.h"

namespace moai::ops {
namespace {

struct Row {
  std::string_view base;
  IndexedForm form;
};

constexpr uint16_t kPadding = 3;  // of embedding_dense_backward

// Sorted.
constexpr Row kRows[] = {
    {"aten::embedding", {.pointers = 1}},
    {"aten::embedding_dense_backward",
     {.outside = Outside::kDump, .pointers = 1, .position = kPadding}},
    {"aten::embedding_renorm", {.outside = Outside::kDump, .pointers = 1}},
    {"aten::gather", {.pointers = 1}},
    {"aten::index_add", {.outside = Outside::kDump, .pointers = 1}},
    {"aten::index_copy", {.outside = Outside::kDump, .pointers = 1}},
    {"aten::index_fill", {.outside = Outside::kDump, .pointers = 1}},
    {"aten::index_select", {.pointers = 1}},
    {"aten::nll_loss2d_backward", {.outside = Outside::kIgnored, .pointers = 2, .ignored = 5}},
    {"aten::nll_loss2d_forward", {.outside = Outside::kIgnored, .pointers = 1, .ignored = 4}},
    {"aten::nll_loss_backward", {.outside = Outside::kIgnored, .pointers = 2, .ignored = 5}},
    {"aten::nll_loss_forward", {.outside = Outside::kIgnored, .pointers = 1, .ignored = 4}},
    {"aten::scatter", {.outside = Outside::kDump, .pointers = 1}},
    {"aten::scatter_add", {.outside = Outside::kDump, .pointers = 1}},
    {"aten::scatter_reduce", {.outside = Outside::kDump, .pointers = 1}},
};
static_assert(std::ranges::is_sorted(kRows, {}, &Row::base));

// x[i, :, j] has an operand of pointers for each dimension that is indexed, in their order.
std::optional<uint16_t> pointers_of(const ShardingRule& rule, FactorIndex factor,
                                    const Arg& indices) {
  uint16_t operand = 1;
  for (size_t d = 0; d < indices.items.size() && d < rule.operands[0].size(); ++d) {
    if (indices.items[d].kind != ArgKind::kTensor) continue;
    const auto& dim = rule.operands[0][d];
    if (dim.size() == 1 && dim[0] == factor) return operand;
    ++operand;
  }
  return std::nullopt;
}

}  // namespace

std::optional<IndexedForm> indexed_form(const CallSignature& s, const ShardingRule& rule,
                                        FactorIndex factor) {
  if (factor >= rule.factors.size()) return std::nullopt;
  if (rule.factors[factor].kind != FactorKind::kIndexed) return std::nullopt;
  const auto form = sharding::form_of(s, {});
  if (!form) return std::nullopt;
  const auto row = std::ranges::lower_bound(kRows, std::string_view(form->base), {}, &Row::base);
  if (row != std::end(kRows) && row->base == form->base) {
    return row->form.pointers < rule.operands.size() ? std::optional(row->form) : std::nullopt;
  }
  const bool reads = form->base == "aten::index" || form->base == "aten::_unsafe_index";
  const bool writes = form->base.find("index_put") != std::string::npos;
  if ((!reads && !writes) || form->args.size() < 2) return std::nullopt;
  const auto pointers = pointers_of(rule, factor, *form->args[1]);
  if (!pointers) return std::nullopt;
  return IndexedForm{.outside = writes ? Outside::kDump : Outside::kZeros,
                     .pointers = *pointers,
                     .from_the_end = true};
}

}  // namespace moai::ops
