// Products. Where something is added to a product, every rank would add it: what is summed over is
// frozen there, and expansion.h has the product and the sum apart.
#include "moai/ops/sharding/rows.h"
#include "moai/tensor/dtype.h"

namespace moai::ops::sharding {
namespace {

std::optional<RowText> linear(const Form& form) {
  const std::string k = form.is_tensor(2) ? "k!" : "k+";
  return RowText{"x... " + k + ", o k, o -> x... o", form.is_tensor(2) ? "0 2/1 2" : "0/1"};
}

// A dimension that may be split between groups of as many elements as 16 bytes have, which the
// kernel wants its rows to be multiples of.
std::string in_steps(const Form& form, size_t argument, size_t dim, const std::string& letter,
                     const std::string& mark = "") {
  const auto step =
      static_cast<int64_t>(16 / tensor::dtype_size(form.args[argument]->geometry.dtype));
  if (form.sizes(argument)[dim] % step != 0) return letter + "!";
  return "(" + letter + mark + " " + letter + "s:" + std::to_string(step) + "!)";
}

// (self, mat2, offsets, bias, dtype): groups of rows, or of what is summed, by where they end.
std::optional<RowText> grouped(const Form& form) {
  const size_t self = form.rank(0), other = form.rank(1);
  if (self < 2 || self > 3 || other < 2 || other > 3) return std::nullopt;
  const std::string m = in_steps(form, 0, self - 2, "m");
  const std::string k = in_steps(form, 0, self - 1, "k", "+");
  const std::string n = in_steps(form, 1, other - 1, "n");
  if (self == 3 && other == 3) {
    return RowText{"e " + m + " " + k + ", e " + k + " " + n + " -> e " + m + " " + n, "0/1"};
  }
  if (other == 3) return RowText{"m! " + k + ", e! " + k + " " + n + ", e -> m " + n, "0/1"};
  if (self == 3) return RowText{"e! " + m + " " + k + ", " + k + " n!, e -> " + m + " n", "0/1"};
  return RowText{m + " k!, k " + n + ", e! -> e " + m + " " + n, "0/1"};
}

constexpr Row kRows[] = {
    {.op = "aten::_grouped_mm", .make = grouped},
    {"aten::_cdist_backward", "b... p r+, b... p m!, b... r m!, _, b... p r -> b... p m", "0"},
    {"aten::_cdist_forward", "b... p m!, b... r m! -> b... p r"},
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
