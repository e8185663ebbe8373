// Operators that need all of one dimension: scans, sorting, softmax.
#include "moai/ops/sharding/rows.h"
#include "moai/ops/sharding/terms_text.h"

namespace moai::ops::sharding {
namespace {

// Every tensor has the dimensions of the first, of which the one that `argument` names is frozen.
std::optional<RowText> frozen_along(const Form& form, size_t argument, size_t tensors,
                                    std::string linear = "") {
  DimTexts dims = numbered("d", form.rank(0));
  if (!form.is_tensor(0)) return std::nullopt;
  if (const auto dim = form.dimension(argument)) {
    dims[*dim] += "!";
  } else if (!dims.empty()) {
    return std::nullopt;
  }
  const std::vector<std::string> args(tensors, spelled(dims));
  const std::vector<std::string> results(form.results.size(), spelled(dims));
  return RowText{joined(args, ", ") + " -> " + joined(results, ", "), std::move(linear)};
}

std::optional<RowText> scan(const Form& form) { return frozen_along(form, 1, 1); }
std::optional<RowText> cumsum(const Form& form) { return frozen_along(form, 1, 1, "0"); }
// (grad, output, dim, …)
std::optional<RowText> softmax_backward(const Form& form) { return frozen_along(form, 2, 2, "0"); }
// (self, stable, dim, descending)
std::optional<RowText> sort_stable(const Form& form) { return frozen_along(form, 2, 1); }

// (self, k, dim, …)
std::optional<RowText> topk(const Form& form) {
  const auto dim = form.arg(2) ? form.dimension(2) : std::optional(form.rank(0) - 1);
  if (!dim || form.rank(0) == 0) return std::nullopt;
  DimTexts in = numbered("d", form.rank(0));
  DimTexts out = in;
  in[*dim] += "!";
  out[*dim] = "k!";
  return RowText{spelled(in) + " -> " + spelled(out) + ", " + spelled(out), ""};
}

// (self, dims, …): lengths along them change where halves of a spectrum are left out.
std::optional<RowText> fourier(const Form& form) {
  DimTexts in = numbered("d", form.rank(0));
  DimTexts out = in;
  for (const int64_t dim : form.integers(1)) {
    const auto at = static_cast<size_t>(dim < 0 ? dim + static_cast<int64_t>(in.size()) : dim);
    if (at >= in.size()) return std::nullopt;
    in[at] = "p" + std::to_string(at) + "!";
    out[at] = "w" + std::to_string(at) + "!";
  }
  return RowText{spelled(in) + " -> " + spelled(out), "0"};
}

// (self, other, dim)
std::optional<RowText> cross(const Form& form) {
  DimTexts dims = numbered("d", form.rank(0));
  const auto dim = form.arg(2) ? form.dimension(2) : std::optional(form.rank(0) - 1);
  if (!dim || *dim >= dims.size()) return std::nullopt;
  dims[*dim] += "!";
  return RowText{spelled(dims) + ", " + spelled(dims) + " -> " + spelled(dims), "0/1"};
}

// (sorted_sequence, self, …)
std::optional<RowText> search_sorted(const Form& form) {
  if (form.rank(0) == 1) return RowText{"v!, ... -> ...", ""};
  return RowText{"x... v!, x... n -> x... n", ""};
}

// (elements, test_elements, assume_unique, invert)
std::optional<RowText> is_in(const Form& form) {
  return RowText{form.flag(3) ? "..., v...& -> ..." : "..., v...| -> ...", ""};
}

constexpr Row kRows[] = {
    {.op = "aten::_fft_c2c", .make = fourier},
    {.op = "aten::_fft_c2r", .make = fourier},
    {.op = "aten::_fft_r2c", .make = fourier},
    {.op = "aten::_log_softmax", .make = scan},
    {.op = "aten::_log_softmax_backward_data", .make = softmax_backward},
    {.op = "aten::_safe_softmax", .make = scan},
    {.op = "aten::_softmax", .make = scan},
    {.op = "aten::_softmax_backward_data", .make = softmax_backward},
    {"aten::bucketize", "..., v! -> ..."},
    {.op = "aten::isin", .make = is_in},
    {.op = "aten::cummax", .make = scan},
    {.op = "aten::cummin", .make = scan},
    {.op = "aten::cumprod", .make = scan},
    {.op = "aten::cumsum", .make = cumsum},
    {.op = "aten::linalg_cross", .make = cross},
    {.op = "aten::logcumsumexp", .make = scan},
    {.op = "aten::searchsorted", .make = search_sorted},
    {.op = "aten::sort", .make = scan},
    {.op = "aten::sort.stable", .make = sort_stable},
    {.op = "aten::sort.values_stable", .make = sort_stable},
    {.op = "aten::topk", .make = topk},
};

}  // namespace

std::span<const Row> scan_rows() { return kRows; }

}  // namespace moai::ops::sharding
