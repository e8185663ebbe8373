// Products. Where something is added to a product, every rank would add it: what is summed over is
// frozen there, and expansion.h has the product and the sum apart.
#include "moai/ops/sharding/rows.h"

namespace moai::ops::sharding {
namespace {

std::optional<RowText> linear(const Form& form) {
  const std::string k = form.is_tensor(2) ? "k!" : "k+";
  return RowText{"x... " + k + ", o k, o -> x... o", form.is_tensor(2) ? "0 2/1 2" : "0/1"};
}

// (self, mat2, offsets, bias, dtype): groups of rows, or of what is summed, by where they end.
std::optional<RowText> grouped(const Form& form) {
  const bool self_is_groups = form.rank(0) == 3, other_is_groups = form.rank(1) == 3;
  if (self_is_groups && other_is_groups) return RowText{"e m k+, e k n -> e m n", "0/1"};
  if (other_is_groups) return RowText{"m! k+, e! k n, e -> m n", "0/1"};
  if (self_is_groups) return RowText{"e! m k+, k n!, e -> m n", "0/1"};
  return RowText{"m k!, k n, e! -> e m n", "0/1"};
}

constexpr Row kRows[] = {
    {.op = "aten::_grouped_mm", .make = grouped},
    {"aten::mm", "m k+, k n -> m n", "0/1"},
    {"aten::bmm", "b m k+, b k n -> b m n", "0/1"},
    {"aten::mv", "m k+, k -> m", "0/1"},
    {"aten::dot", "k+, k -> .", "0/1"},
    {"aten::vdot", "k+, k -> .", "0/1"},
    {"aten::addmm", "~m n, m k!, k n -> m n", "0 1/0 2"},
    {"aten::_addmm_activation", "~m n, m k!, k n -> m n"},
    {"aten::addmv", "~m, m k!, k -> m", "0 1/0 2"},
    {"aten::addr", "~m n, m, n -> m n", "0 1/0 2"},
    {"aten::ger", "m, n -> m n", "0/1"},
    {"aten::baddbmm", "~b m n, b m k!, b k n -> b m n", "0 1/0 2"},
    {"aten::addbmm", "~m n, b! m k!, b k n -> m n", "0 1/0 2"},
    {.op = "aten::linear", .make = linear},
};

}  // namespace

std::span<const Row> contraction_rows() { return kRows; }

}  // namespace moai::ops::sharding
