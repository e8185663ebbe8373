// Putting elements elsewhere: what is left whole, moved or repeated.
#include <algorithm>
#include <numeric>

#include "moai/ops/sharding/rows.h"
#include "moai/ops/sharding/terms_text.h"

namespace moai::ops::sharding {
namespace {

std::string lettered(const char* letter, size_t d) { return letter + std::to_string(d); }

// ---- joined

// What all lists of parts are multiples of: the parts along a dimension are "(k g)".
int64_t common_part(const Arg& list, size_t dim) {
  int64_t common = 0;
  for (const Arg& item : list.items) {
    if (item.geometry.sizes.size() > dim) common = std::gcd(common, item.geometry.sizes[dim]);
  }
  return common;
}

// The old way of saying "nothing": a list of no elements beside tensors of any rank.
bool is_nothing(const Arg& item, size_t rank) {
  return item.geometry.sizes.size() != rank && tensor::element_count(item.geometry) == 0;
}

std::optional<RowText> cat(const Form& form) {
  const Arg* list = form.arg(0);
  if (!list || list->kind != ArgKind::kList || list->items.empty()) return std::nullopt;
  const size_t rank = std::ranges::max(list->items, {}, [](const Arg& item) {
                        return item.geometry.sizes.size();
                      }).geometry.sizes.size();
  int64_t at = form.integer(1).value_or(0);
  if (at < 0) at += static_cast<int64_t>(rank);
  if (at < 0 || at >= static_cast<int64_t>(rank)) return std::nullopt;
  const auto dim = static_cast<size_t>(at);
  const int64_t part = common_part(*list, dim);
  DimTexts dims = numbered("d", rank);
  std::vector<std::string> items;
  for (const Arg& item : list->items) {
    if (is_nothing(item, rank)) {
      items.emplace_back("?");
      continue;
    }
    if (item.geometry.sizes.size() != rank) return std::nullopt;
    const int64_t count = part > 0 ? item.geometry.sizes[dim] / part : 0;
    dims[dim] = "(k" + std::to_string(count) + "! g:" + std::to_string(part) + ")";
    if (count == 0) dims[dim] = "1";  // what is empty has no factor of the others
    items.push_back(spelled(dims));
  }
  dims[dim] = "(k! g)";
  return RowText{"{" + joined(items, "; ") + "} -> " + spelled(dims), "=0"};
}

std::optional<RowText> stack(const Form& form) {
  const Arg* list = form.arg(0);
  if (!list || list->kind != ArgKind::kList || list->items.empty()) return std::nullopt;
  DimTexts dims = numbered("d", list->items[0].geometry.sizes.size());
  const std::vector<std::string> items(list->items.size(), spelled(dims));
  int64_t at = form.integer(1).value_or(0);
  if (at < 0) at += static_cast<int64_t>(dims.size()) + 1;
  if (at < 0 || at > static_cast<int64_t>(dims.size())) return std::nullopt;
  dims.insert(dims.begin() + at, "k!");
  return RowText{"{" + joined(items, "; ") + "} -> " + spelled(dims), "=0"};
}

// ---- moved

// Dimensions that the argument names are frozen.
std::optional<RowText> moved(const Form& form, const std::vector<int64_t>& frozen,
                             std::string linear) {
  DimTexts dims = numbered("d", form.rank(0));
  for (const int64_t dim : frozen) {
    const auto at = static_cast<size_t>(dim < 0 ? dim + static_cast<int64_t>(dims.size()) : dim);
    if (at < dims.size()) dims[at] += "!";
  }
  return RowText{spelled(dims) + " -> " + spelled(dims), std::move(linear)};
}

std::optional<RowText> flip(const Form& form) { return moved(form, form.integers(1), "=0"); }

// (self, shifts, dims); without dims over all elements in a row
std::optional<RowText> roll(const Form& form) {
  if (form.integers(2).empty()) return RowText{"...! -> ...", "=0"};
  return moved(form, form.integers(2), "=0");
}

std::optional<RowText> triangle(const Form& form) { return moved(form, {-2, -1}, "0/#0"); }

// ---- repeated

std::optional<RowText> repeat(const Form& form) {
  const size_t rank = form.integers(1).size();
  if (rank < form.rank(0)) return std::nullopt;
  const size_t lead = rank - form.rank(0);
  DimTexts out = numbered("r", rank);
  for (size_t d = lead; d < rank; ++d) {
    out[d] = "(" + out[d] + " " + lettered("d", d - lead) + ")";
  }
  return RowText{spelled(numbered("d", form.rank(0))) + ", =[" + joined(numbered("r", rank), " ") +
                     "] -> " + spelled(out),
                 "=0"};
}

// ---- parts of something larger

// (grad, input_sizes, dim, …): zeros around `grad`, or a dimension more.
std::optional<RowText> slice_backward(const Form& form) {
  const std::vector<int64_t> sizes = form.integers(1);
  if (form.rank(0) != sizes.size()) return std::nullopt;
  int64_t dim = form.integer(2).value_or(0);
  if (dim < 0) dim += static_cast<int64_t>(sizes.size());
  DimTexts part = numbered("d", sizes.size());
  DimTexts whole = part;
  const auto at = static_cast<size_t>(dim);
  if (at >= sizes.size()) return std::nullopt;
  part[at] = "p!";
  whole[at] = "w!";
  return RowText{spelled(part) + ", =[" + joined(whole, " ") + "] -> " + spelled(whole), "0/#0"};
}

// (grad, input_sizes, dim, size, step); windows are the last dimension of the gradient.
std::optional<RowText> unfold_backward(const Form& form) {
  const std::vector<int64_t> sizes = form.integers(1);
  int64_t dim = form.integer(2).value_or(0);
  if (dim < 0) dim += static_cast<int64_t>(sizes.size());
  const auto at = static_cast<size_t>(dim);
  if (at >= sizes.size()) return std::nullopt;
  DimTexts part = numbered("d", sizes.size());
  DimTexts whole = part;
  part[at] = "p!";
  whole[at] = "w!";
  return RowText{spelled(part) + " u!, =[" + joined(whole, " ") + "] -> " + spelled(whole), "0"};
}

std::optional<RowText> select_backward(const Form& form) {
  const std::vector<int64_t> sizes = form.integers(1);
  if (form.rank(0) + 1 != sizes.size()) return std::nullopt;
  int64_t dim = form.integer(2).value_or(0);
  if (dim < 0) dim += static_cast<int64_t>(sizes.size());
  if (dim < 0 || dim >= static_cast<int64_t>(sizes.size())) return std::nullopt;
  DimTexts part = numbered("d", sizes.size());
  DimTexts whole = part;
  whole[static_cast<size_t>(dim)] = "w!";
  part.erase(part.begin() + dim);
  return RowText{spelled(part) + ", =[" + joined(whole, " ") + "] -> " + spelled(whole), "0/#0"};
}

// (self, src, dim, …)
std::optional<RowText> slice_scatter(const Form& form) {
  const size_t rank = form.rank(0);
  int64_t dim = form.integer(2).value_or(0);
  if (dim < 0) dim += static_cast<int64_t>(rank);
  const auto at = static_cast<size_t>(dim);
  if (at >= rank || form.rank(1) != rank) return std::nullopt;
  DimTexts whole = numbered("d", rank);
  DimTexts part = whole;
  part[at] = "p!";
  whole[at] = "w!";
  return RowText{spelled(whole) + ", " + spelled(part) + " -> " + spelled(whole), "=0 1"};
}

std::optional<RowText> select_scatter(const Form& form) {
  const auto at = form.dimension(2);
  if (!at || form.rank(1) + 1 != form.rank(0)) return std::nullopt;
  DimTexts whole = numbered("d", form.rank(0));
  DimTexts part = whole;
  whole[*at] = "w!";
  part.erase(part.begin() + static_cast<ptrdiff_t>(*at));
  return RowText{spelled(whole) + ", " + spelled(part) + " -> " + spelled(whole), "=0 1"};
}

// (self, pad, value), pairs from the last dimension on
std::optional<RowText> constant_pad(const Form& form) {
  const std::vector<int64_t> pad = form.integers(1);
  DimTexts in = numbered("d", form.rank(0));
  DimTexts out = in;
  for (size_t i = 0; i + 1 < pad.size() && i / 2 < in.size(); i += 2) {
    if (pad[i] == 0 && pad[i + 1] == 0) continue;
    const size_t d = in.size() - 1 - i / 2;
    in[d] = lettered("p", d) + "!";
    out[d] = lettered("w", d) + "!";
  }
  const auto value = form.arg(2) ? form.number(2) : 0.0;
  return RowText{spelled(in) + " -> " + spelled(out), value == 0.0 ? "0/#0" : ">0/<0"};
}

constexpr Row kRows[] = {
    {.op = "aten::cat", .make = cat},
    {.op = "aten::constant_pad_nd", .make = constant_pad},
    {.op = "aten::flip", .make = flip},
    {.op = "aten::repeat", .make = repeat},
    {.op = "aten::roll", .make = roll},
    {.op = "aten::select_backward", .make = select_backward},
    {.op = "aten::select_scatter", .make = select_scatter},
    {.op = "aten::slice_backward", .make = slice_backward},
    {.op = "aten::slice_scatter", .make = slice_scatter},
    {.op = "aten::stack", .make = stack},
    {.op = "aten::tril", .make = triangle},
    {.op = "aten::triu", .make = triangle},
    {.op = "aten::unfold_backward", .make = unfold_backward},
};

}  // namespace

std::span<const Row> layout_rows() { return kRows; }

}  // namespace moai::ops::sharding
