// Rows: one an operator, one file a family. Adding an operator is a row here and a sample in
// device/aten/conformance/sharding/.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moai/ops/sharding/form.h"

namespace moai::ops::sharding {

struct RowText {
  std::string terms;   // notation.h
  std::string linear;  // parse_linear
};
// Of operators whose ties depend on arguments. Nothing where a call has no rule.
using RowMaker = std::optional<RowText> (*)(const Form& form);

struct Row {
  std::string_view op;  // base name: every overload without a row of its own ("aten::max.dim")
  std::string_view terms{};
  std::string_view linear{};
  RowMaker make = nullptr;  // instead of the two
};

std::span<const Row> attention_rows();
std::span<const Row> contraction_rows();
std::span<const Row> convolution_rows();
std::span<const Row> elementwise_rows();  // that pass a Partial for some arguments only
std::span<const Row> factory_rows();
std::span<const Row> index_rows();
std::span<const Row> layout_rows();
std::span<const Row> loss_rows();
std::span<const Row> norm_rows();
std::span<const Row> recurrent_rows();
std::span<const Row> reduction_rows();
std::span<const Row> scan_rows();
std::span<const Row> spatial_rows();

// Base names, or names with overload, of operators that torch tags as pointwise; sorted.
std::span<const std::string_view> pointwise_operators();
// Others that are, of which drawing ones are so in shape only.
std::span<const std::string_view> also_pointwise_operators();
// Which of them pass a Partial on, and from which operands; sorted.
struct LinearRow {
  std::string_view op;
  std::string_view linear;
};
std::span<const LinearRow> pointwise_linear_rows();
// Every tensor broadcast against the others.
std::string pointwise_terms(const Form& form);

std::vector<Row> all_rows();
// The name of the row, or pointwise operator, that a call has its rule from; empty without one.
std::string row_name(const CallSignature& s);

// What is wrong with the notation of a row; empty when nothing is.
std::string row_error(const Row& row);

}  // namespace moai::ops::sharding
