// Reading and writing at positions that a tensor holds. The table's dimension is indexed. Where a
// write adds to what is there, or overwrites, what it writes is frozen.
#include <algorithm>

#include "moai/ops/sharding/rows.h"
#include "moai/ops/sharding/terms_text.h"
#include "moai/tensor/dtype.h"

namespace moai::ops::sharding {
namespace {

bool is_mask(const Arg& a) {
  return a.kind == ArgKind::kTensor &&
         (a.geometry.dtype == tensor::DType::kBool || a.geometry.dtype == tensor::DType::kUInt8);
}

// ---- gather, scatter: all tensors have the rank of the table, and may be smaller

struct Aligned {
  DimTexts table, index, source;
};

// Dimensions beside `dim` are one where all sizes agree, else frozen each by itself.
std::optional<Aligned> aligned(const Form& form, size_t source, const std::string& pointers) {
  const auto dim = form.dimension(1);
  const auto table = form.sizes(0), index = form.sizes(2), from = form.sizes(source);
  const bool has_source = form.is_tensor(source);
  if (!dim || index.size() != table.size()) return std::nullopt;
  if (has_source && from.size() != table.size()) return std::nullopt;
  Aligned all;
  for (size_t d = 0; d < table.size(); ++d) {
    const std::string n = std::to_string(d);
    const bool fills_index = !has_source || from[d] == index[d];
    if (d == *dim) {
      all.table.push_back("v@");
      all.index.push_back(pointers);
      all.source.push_back(fills_index ? pointers : "u!");
    } else if (index[d] == table[d] && fills_index) {
      for (DimTexts* dims : {&all.table, &all.index, &all.source}) dims->push_back("d" + n);
    } else {
      all.table.push_back("t" + n + "!");
      all.index.push_back("i" + n + "!");
      all.source.push_back("s" + n + "!");
    }
  }
  return all;
}

std::optional<RowText> gather(const Form& form) {
  const auto dims = aligned(form, 99, "i");
  if (!dims) return std::nullopt;
  const std::string index = spelled(dims->index);
  return RowText{spelled(dims->table) + ", _, " + index + " -> " + index, "=0"};
}

// (self, dim, index, source, …)
std::optional<RowText> scatter_text(const Form& form, std::string linear) {
  const auto dims = aligned(form, 3, "i!");
  if (!dims) return std::nullopt;
  const std::string table = spelled(dims->table);
  const std::string source = form.is_tensor(3) ? spelled(dims->source) : "_";
  return RowText{table + ", _, " + spelled(dims->index) + ", " + source + " -> " + table,
                 std::move(linear)};
}

std::optional<RowText> scatter(const Form& form) {
  const bool combines = form.arg(4) && form.arg(4)->kind == ArgKind::kString;
  return scatter_text(form, form.is_tensor(3) && !combines ? "=0 3" : "");
}
std::optional<RowText> scatter_add(const Form& form) { return scatter_text(form, "0 3"); }
std::optional<RowText> scatter_reduce(const Form& form) { return scatter_text(form, ""); }

// ---- along one dimension, at the places of a list

std::optional<RowText> index_select(const Form& form) {
  const auto dim = form.dimension(1);
  if (!dim || form.rank(2) != 1) return std::nullopt;
  DimTexts table = numbered("d", form.rank(0));
  DimTexts out = table;
  table[*dim] = "v@";
  out[*dim] = "i";
  return RowText{spelled(table) + ", _, i -> " + spelled(out), "=0"};
}

std::optional<RowText> index_write(const Form& form, std::string linear) {
  const auto dim = form.dimension(1);
  if (!dim || form.rank(2) != 1) return std::nullopt;
  DimTexts table = numbered("d", form.rank(0));
  DimTexts source = table;
  table[*dim] = "v@";
  source[*dim] = "i!";
  const std::string from = form.rank(3) == 0 ? "." : spelled(source);
  return RowText{spelled(table) + ", _, i!, " + from + " -> " + spelled(table), std::move(linear)};
}

std::optional<RowText> index_add(const Form& form) { return index_write(form, "0 3"); }
std::optional<RowText> index_copy(const Form& form) { return index_write(form, "=0 3"); }
std::optional<RowText> index_fill(const Form& form) { return index_write(form, ""); }

// ---- x[indices], with as many as there are

struct Indexing {
  DimTexts table{};   // of self
  DimTexts result{};  // of self[indices]
  std::string indices{};
};

// Indices that stand side by side are replaced where they stand, others come first.
DimTexts placed(const DimTexts& table, const std::vector<size_t>& at, const DimTexts& index) {
  DimTexts result;
  const bool is_together = at.back() - at.front() + 1 == at.size();
  const size_t first = is_together ? at.front() : 0;
  for (size_t d = 0; d <= table.size(); ++d) {
    if (d == first) result.insert(result.end(), index.begin(), index.end());
    if (d < table.size() && std::ranges::find(at, d) == at.end()) result.push_back(table[d]);
  }
  return result;
}

std::optional<Indexing> indexing(const Form& form, const std::string& mark) {
  const Arg* list = form.arg(1);
  if (!list || list->kind != ArgKind::kList) return std::nullopt;
  Indexing all{.table = numbered("d", form.rank(0))};
  if (list->items.size() > all.table.size()) return std::nullopt;
  std::vector<size_t> at;
  size_t rank = 0;
  for (size_t d = 0; d < list->items.size(); ++d) {
    const Arg& item = list->items[d];
    if (item.kind == ArgKind::kNone || item.kind == ArgKind::kUndefined) continue;
    if (item.kind != ArgKind::kTensor || is_mask(item)) return std::nullopt;
    at.push_back(d);
    rank = std::max(rank, item.geometry.sizes.size());
  }
  if (at.empty()) return std::nullopt;
  DimTexts index = numbered("i", rank);
  for (std::string& dim : index) dim += mark;
  std::vector<std::string> items;
  for (const Arg& item : list->items) {
    const bool is_index = item.kind == ArgKind::kTensor;
    const size_t missing = is_index ? rank - item.geometry.sizes.size() : 0;
    items.push_back(
        is_index ? spelled({index.begin() + static_cast<ptrdiff_t>(missing), index.end()}) : "_");
  }
  all.indices = "{" + joined(items, "; ") + "}";
  all.result = placed(all.table, at, index);
  for (const size_t d : at) all.table[d] += "@";
  return all;
}

std::optional<RowText> index(const Form& form) {
  const auto all = indexing(form, "");
  if (!all) return std::nullopt;
  return RowText{spelled(all->table) + ", " + all->indices + " -> " + spelled(all->result), "=0"};
}

// One mask over leading dimensions, and one value for all: pointwise.
std::optional<RowText> masked_put(const Form& form) {
  const Arg& mask = form.args[1]->items[0];
  const DimTexts table = numbered("d", form.rank(0));
  const size_t rank = mask.geometry.sizes.size();
  if (rank > table.size()) return std::nullopt;
  if (form.is_tensor(2) && tensor::element_count(form.args[2]->geometry) != 1) return std::nullopt;
  const DimTexts covered(table.begin(), table.begin() + static_cast<ptrdiff_t>(rank));
  const std::string value = spelled(DimTexts(form.rank(2), "1"));
  return RowText{
      spelled(table) + ", {" + spelled(covered) + "}, " + value + " -> " + spelled(table), ""};
}

// (self, indices, values, accumulate, …)
std::optional<RowText> index_put(const Form& form) {
  const Arg* list = form.arg(1);
  if (!list || !form.arg(2)) return std::nullopt;
  if (list->items.size() == 1 && is_mask(list->items[0])) return masked_put(form);
  const auto all = indexing(form, "!");
  if (!all || form.rank(2) > all->result.size()) return std::nullopt;
  const auto missing = static_cast<ptrdiff_t>(all->result.size() - form.rank(2));
  const DimTexts values(all->result.begin() + missing, all->result.end());
  const std::string table = spelled(all->table);
  return RowText{table + ", " + all->indices + ", " + spelled(values) + " -> " + table,
                 form.flag(3) ? "0 2" : "=0 2"};
}

// Counts of an index are those of all of the indices.
std::optional<RowText> embedding_backward(const Form& form) {
  const std::string n = form.flag(4) ? "i...!" : "i...+";
  return RowText{n + " d, i..., =v@ -> v d", "0"};
}

constexpr Row kRows[] = {
    {.op = "aten::_index_put_impl", .make = index_put},
    {.op = "aten::_unsafe_index", .make = index},
    {.op = "aten::_unsafe_index_put", .make = index_put},
    {"aten::embedding", "v@ d, i... -> i... d", "=0"},
    {.op = "aten::embedding_dense_backward", .make = embedding_backward},
    {"aten::embedding_renorm", "v@ d!, i...! -> v d"},
    {.op = "aten::gather", .make = gather},
    {.op = "aten::index", .make = index},
    {.op = "aten::index_add", .make = index_add},
    {.op = "aten::index_copy", .make = index_copy},
    {.op = "aten::index_fill", .make = index_fill},
    {.op = "aten::index_put", .make = index_put},
    {.op = "aten::index_select", .make = index_select},
    {.op = "aten::scatter", .make = scatter},
    {.op = "aten::scatter_add", .make = scatter_add},
    {.op = "aten::scatter_reduce", .make = scatter_reduce},
    {"aten::take", "v...!, i... -> i...", "=0"},
};

}  // namespace

std::span<const Row> index_rows() { return kRows; }

}  // namespace moai::ops::sharding
