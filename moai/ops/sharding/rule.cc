#include "moai/ops/sharding/rule.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "moai/ops/sharding/match.h"
#include "moai/ops/sharding/rows.h"

namespace moai::ops {
namespace sharding {
namespace {

struct Prepared {
  RowMaker make = nullptr;
  Notation notation{};
  std::vector<LinearGroup> linear{};
};

// Malformed text gives nothing; row_error tells, and a test asks it of every row.
std::optional<Prepared> prepare(std::string_view terms, std::string_view linear) {
  std::string error;
  auto notation = parse_notation(terms, &error);
  auto groups = parse_linear(linear);
  if (!notation || !groups) return std::nullopt;
  return Prepared{.notation = std::move(*notation), .linear = std::move(*groups)};
}

using Table = std::unordered_map<std::string_view, Prepared>;

const Table& table() {
  static const Table kTable = [] {
    Table made;
    for (const Row& row : all_rows()) {
      if (row.make) {
        made.emplace(row.op, Prepared{.make = row.make});
      } else if (auto prepared = prepare(row.terms, row.linear)) {
        made.emplace(row.op, std::move(*prepared));
      }
    }
    return made;
  }();
  return kTable;
}

const Prepared* row_of(const std::string& name) {
  const auto found = table().find(name);
  return found == table().end() ? nullptr : &found->second;
}

bool is_pointwise(std::string_view name) {
  return std::ranges::binary_search(pointwise_operators(), name) ||
         std::ranges::binary_search(also_pointwise_operators(), name);
}

std::optional<ShardingRule> match_text(const Form& form, const RowText& text) {
  const auto made = prepare(text.terms, text.linear);
  return made ? match(form, made->notation, made->linear) : std::nullopt;
}

std::optional<ShardingRule> pointwise_rule(const Form& form) {
  const auto lines = pointwise_linear_rows();
  const auto line =
      std::ranges::lower_bound(lines, std::string_view(form.base), {}, &LinearRow::op);
  const bool found = line != lines.end() && line->op == form.base;
  return match_text(form, {pointwise_terms(form), found ? std::string(line->linear) : ""});
}

// A row of the overload goes before one of the operator.
std::optional<ShardingRule> rule_of(const Form& form) {
  for (const std::string& name : {form.base + "." + form.overload, form.base}) {
    if (const Prepared* row = row_of(name)) {
      if (!row->make) return match(form, row->notation, row->linear);
      const auto text = row->make(form);
      return text ? match_text(form, *text) : std::nullopt;
    }
    if (is_pointwise(name)) return pointwise_rule(form);
  }
  return std::nullopt;
}

}  // namespace

std::vector<Row> all_rows() {
  std::vector<Row> all;
  for (const auto rows :
       {attention_rows(), contraction_rows(), convolution_rows(), elementwise_rows(),
        factory_rows(), index_rows(), layout_rows(), loss_rows(), norm_rows(), recurrent_rows(),
        reduction_rows(), scan_rows(), spatial_rows()}) {
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

std::string row_error(const Row& row) {
  if (row.make) return row.terms.empty() && row.linear.empty() ? "" : "a maker and terms";
  std::string error;
  if (!parse_notation(row.terms, &error)) return error;
  return parse_linear(row.linear) ? ""
                                  : "\"" + std::string(row.linear) + "\" is no list of operands";
}

std::string row_name(const CallSignature& s) {
  const auto form = form_of(s, {});
  if (!form) return {};
  for (const std::string& name : {form->base + "." + form->overload, form->base}) {
    if (row_of(name) || is_pointwise(name)) return name;
  }
  return {};
}

}  // namespace sharding

std::optional<ShardingRule> sharding_rule(const CallSignature& s, std::span<const uint64_t> words) {
  const auto form = sharding::form_of(s, words);
  if (!form) return std::nullopt;
  auto rule = sharding::rule_of(*form);
  if (!rule) return std::nullopt;
  rule->assumed_words = form->words_read;
  std::ranges::sort(rule->assumed_words);
  return rule;
}

}  // namespace moai::ops
