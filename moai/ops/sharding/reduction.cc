// Reductions over dimensions that arguments name. A mean divides by the size of its part, so its
// dimensions are frozen; expansion.h has the sum in its place.
#include <cmath>
#include <limits>

#include "moai/ops/sharding/rows.h"
#include "moai/ops/sharding/terms_text.h"

namespace moai::ops::sharding {
namespace {

constexpr size_t kNoArgument = 99;

// "d0+ d1 -> d1", with all of `results`. All dimensions where `dims` names none.
std::optional<std::string> reduced(const Form& form, char mark, size_t dims, bool keep) {
  const size_t rank = form.rank(0);
  if (!form.is_tensor(0)) return std::nullopt;
  std::vector<bool> over(rank, form.integers(dims).empty());
  for (const int64_t dim : form.integers(dims)) {
    const int64_t at = dim < 0 ? dim + static_cast<int64_t>(rank) : dim;
    if (at >= 0 && at < static_cast<int64_t>(rank)) over[static_cast<size_t>(at)] = true;
  }
  DimTexts in = numbered("d", rank);
  DimTexts out;
  for (size_t d = 0; d < rank; ++d) {
    if (!over[d] || keep) out.push_back(over[d] ? "1" : in[d]);
    if (over[d]) in[d] += mark;
  }
  const std::vector<std::string> results(form.results.size(), spelled(out));
  return spelled(in) + " -> " + joined(results, ", ");
}

std::string linear_of(char mark) { return mark == '+' ? "0" : std::string(1, mark) + "0"; }

// (self, …) over everything.
template <char mark>
std::optional<RowText> full(const Form& form) {
  auto terms = reduced(form, mark, kNoArgument, false);
  if (!terms) return std::nullopt;
  return RowText{*terms, mark == '!' ? "" : linear_of(mark)};
}

// (self, dims, keepdim, …)
template <char mark>
std::optional<RowText> along(const Form& form) {
  auto terms = reduced(form, mark, 1, form.flag(2));
  if (!terms) return std::nullopt;
  return RowText{*terms, mark == '!' ? "" : linear_of(mark)};
}

// (self, k, dim, keepdim)
std::optional<RowText> kth(const Form& form) {
  auto terms = reduced(form, '!', 2, form.flag(3));
  return terms ? std::optional(RowText{*terms, ""}) : std::nullopt;
}

// (self, dims, correction or unbiased, keepdim)
std::optional<RowText> spread(const Form& form) {
  auto terms = reduced(form, '!', 1, form.flag(3));
  return terms ? std::optional(RowText{*terms, ""}) : std::nullopt;
}

// (self, dims), no keepdim
std::optional<RowText> count(const Form& form) {
  auto terms = reduced(form, '+', 1, false);
  return terms ? std::optional(RowText{*terms, ""}) : std::nullopt;
}

std::optional<RowText> mean(const Form& form) {
  const bool is_full = form.overload.empty() || form.overload == "dtype_out";
  auto terms = reduced(form, '!', is_full ? kNoArgument : 1, !is_full && form.flag(2));
  return terms ? std::optional(RowText{*terms, "0"}) : std::nullopt;
}

char mark_of_order(std::optional<double> order) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (order == 2.0) return '#';
  if (order == kInfinity) return '>';
  if (order == -kInfinity) return '<';
  if (order == 0.0 || order == 1.0) return '+';
  return '!';
}

std::optional<RowText> norm(const Form& form, size_t dims, bool keep) {
  const Arg* order = form.arg(1);
  const bool is_default = !order || order->kind == ArgKind::kNone;
  const char mark = is_default ? '#' : mark_of_order(form.number(1));
  auto terms = reduced(form, mark, dims, keep);
  if (!terms) return std::nullopt;
  return RowText{*terms, mark == '#' ? "#0" : ""};
}

// (self, order, dims, keepdim, …)
std::optional<RowText> norm_along(const Form& form) { return norm(form, 2, form.flag(3)); }
// (self, order, …)
std::optional<RowText> norm_full(const Form& form) { return norm(form, kNoArgument, false); }

constexpr Row kRows[] = {
    {.op = "aten::all", .make = full<'&'>},
    {.op = "aten::all.dim", .make = along<'&'>},
    {.op = "aten::all.dims", .make = along<'&'>},
    {.op = "aten::all.dims_out", .make = along<'&'>},
    {.op = "aten::all.out", .make = along<'&'>},
    {.op = "aten::amax", .make = along<'>'>},
    {.op = "aten::amin", .make = along<'<'>},
    {.op = "aten::aminmax", .make = along<'!'>},
    {.op = "aten::any", .make = full<'|'>},
    {.op = "aten::any.dim", .make = along<'|'>},
    {.op = "aten::any.dims", .make = along<'|'>},
    {.op = "aten::any.dims_out", .make = along<'|'>},
    {.op = "aten::any.out", .make = along<'|'>},
    {.op = "aten::argmax", .make = along<'!'>},
    {.op = "aten::argmin", .make = along<'!'>},
    {.op = "aten::count_nonzero", .make = count},
    {.op = "aten::kthvalue", .make = kth},
    {.op = "aten::linalg_vector_norm", .make = norm_along},
    {.op = "aten::logsumexp", .make = along<'!'>},
    {.op = "aten::max", .make = full<'>'>},
    {.op = "aten::max.dim", .make = along<'!'>},
    {.op = "aten::max.dim_max", .make = along<'!'>},
    {.op = "aten::mean", .make = mean},
    {.op = "aten::median.dim", .make = along<'!'>},
    {.op = "aten::min", .make = full<'<'>},
    {.op = "aten::min.dim", .make = along<'!'>},
    {.op = "aten::min.dim_min", .make = along<'!'>},
    {.op = "aten::mode", .make = along<'!'>},
    {.op = "aten::nansum", .make = along<'+'>},
    {.op = "aten::norm", .make = norm_along},
    {.op = "aten::norm.Scalar", .make = norm_full},
    {.op = "aten::norm.ScalarOpt_dtype", .make = norm_full},
    {.op = "aten::prod", .make = full<'*'>},
    {.op = "aten::prod.dim_int", .make = along<'*'>},
    {.op = "aten::prod.int_out", .make = along<'*'>},
    {.op = "aten::std", .make = spread},
    {.op = "aten::std_mean", .make = spread},
    {.op = "aten::sum", .make = full<'+'>},
    {.op = "aten::sum.IntList_out", .make = along<'+'>},
    {.op = "aten::sum.dim_IntList", .make = along<'+'>},
    {.op = "aten::var", .make = spread},
    {.op = "aten::var_mean", .make = spread},
};

}  // namespace

std::span<const Row> reduction_rows() { return kRows; }

}  // namespace moai::ops::sharding
