// Pointwise operators that pass a Partial on for some arguments only, and those in whose terms not
// every tensor is broadcast against the others.
#include "moai/ops/sharding/rows.h"
#include "moai/ops/sharding/terms_text.h"
#include "moai/tensor/dtype.h"

namespace moai::ops::sharding {
namespace {

using tensor::DType;

bool is_inexact(DType dtype) {
  switch (dtype) {
    case DType::kUInt8:
    case DType::kInt8:
    case DType::kInt16:
    case DType::kInt32:
    case DType::kInt64:
    case DType::kUInt16:
    case DType::kUInt32:
    case DType::kUInt64:
    case DType::kBool:
      return false;
    default:
      return true;
  }
}

bool is_complex(DType dtype) {
  return dtype == DType::kComplex32 || dtype == DType::kComplex64 || dtype == DType::kComplex128;
}

// Of a cast of the operand at `position`.
std::string cast_linear(DType from, DType to, const std::string& position) {
  if (from == to) return "=" + position;
  if (is_complex(from)) return is_complex(to) ? position : "";
  const std::string ordered = is_complex(to) ? "" : "/>" + position + "/<" + position;
  const bool rounds = is_inexact(from) && !is_inexact(to);
  return (rounds ? ">" + position : position) + ordered;
}

std::optional<RowText> to_copy(const Form& form) {
  if (!form.is_tensor(0)) return std::nullopt;
  const DType from = form.args[0]->geometry.dtype;
  const bool is_fresh = form.results.size() == 1 && form.results[0]->kind == ResultKind::kFresh;
  const DType to = is_fresh ? form.results[0]->geometry.dtype : from;
  return RowText{pointwise_terms(form), is_fresh ? cast_linear(from, to, "0") : ""};
}

std::optional<RowText> copy(const Form& form) {
  if (!form.is_tensor(0) || !form.is_tensor(1)) return RowText{pointwise_terms(form), ""};
  const DType to = form.args[0]->geometry.dtype;
  return RowText{pointwise_terms(form), cast_linear(form.args[1]->geometry.dtype, to, "1")};
}

// Partials of what is filled with a constant in places: one that adds nothing passes through all.
std::string filled(std::optional<double> fill, const std::string& position) {
  const std::string idempotent = ">" + position + "/<" + position;
  return fill == 0.0 ? position + "/#" + position + "/" + idempotent : idempotent;
}

std::optional<RowText> masked_fill(const Form& form) {
  const bool by_tensor = form.is_tensor(2);
  return RowText{pointwise_terms(form), by_tensor ? "=0 2" : filled(form.number(2), "0")};
}

std::optional<RowText> where(const Form& form) {
  if (form.is_tensor(1) && form.is_tensor(2)) return RowText{pointwise_terms(form), "=1 2"};
  if (form.is_tensor(1)) return RowText{pointwise_terms(form), filled(form.number(2), "1")};
  if (form.is_tensor(2)) return RowText{pointwise_terms(form), filled(form.number(1), "2")};
  return RowText{pointwise_terms(form), ""};
}

std::optional<RowText> divide(const Form& form) {
  const bool rounds = form.arg(2) && form.arg(2)->kind == ArgKind::kString;
  return RowText{pointwise_terms(form), rounds ? "" : "0"};
}

// The dimension is halves, one beside the other: "(h x)".
std::optional<DimTexts> halves(const Form& form, size_t argument, size_t of) {
  const auto dim = form.dimension(argument, of);
  if (!dim) return std::nullopt;
  DimTexts dims = numbered("d", form.rank(of));
  dims[*dim] = "(h! d" + std::to_string(*dim) + ")";
  return dims;
}

std::optional<RowText> glu(const Form& form) {
  const auto whole = halves(form, 1, 0);
  if (!whole) return std::nullopt;
  return RowText{spelled(*whole) + " -> " + spelled(numbered("d", whole->size())), ""};
}

std::optional<RowText> glu_backward(const Form& form) {
  const auto whole = halves(form, 2, 1);
  if (!whole) return std::nullopt;
  const std::string half = spelled(numbered("d", whole->size()));
  return RowText{half + ", " + spelled(*whole) + " -> " + spelled(*whole), "0"};
}

constexpr Row kRows[] = {
    {.op = "aten::_amp_foreach_non_finite_check_and_unscale", .terms = "x...>, ^f..., g... -> "},
    {.op = "aten::_to_copy", .make = to_copy},
    {.op = "aten::copy", .make = copy},
    {.op = "aten::div", .make = divide},
    {.op = "aten::glu", .make = glu},
    {.op = "aten::glu_backward", .make = glu_backward},
    {.op = "aten::masked_fill", .make = masked_fill},
    {.op = "aten::masked_fill.Scalar", .make = masked_fill},
    {.op = "aten::where", .make = where},
    {.op = "aten::where.self", .make = where},
};

}  // namespace

std::span<const Row> elementwise_rows() { return kRows; }

}  // namespace moai::ops::sharding
