#include "moai/compiler/verify/pointer_probes.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

using graph::StorageId;
using Values = std::vector<int64_t>;

int64_t integer(const ops::CallSignature& s, size_t i) {
  const bool is_int = i < s.args.size() && s.args[i].kind == ops::ArgKind::kInt;
  return is_int ? s.args[i].ints[0] : 0;
}

// Element by element what the call makes of its operands; nothing where it is no call on pointers.
std::optional<Values> result_of(const ops::CallSignature& s, const std::vector<Values>& of) {
  using Call = std::function<int64_t(int64_t, int64_t, const ops::CallSignature&)>;
  struct Row {
    std::string_view name;
    size_t operands;
    Call call;
  };
  static const Row kRows[] = {
      {"aten::sub.Scalar", 1,
       [](auto p, auto, const auto& c) { return p - integer(c, 1) * integer(c, 2); }},
      {"aten::remainder.Scalar", 1,
       [](auto p, auto, const auto& c) {
         const int64_t n = integer(c, 1);
         return n > 0 ? (p % n + n) % n : p;
       }},
      {"aten::lt.Scalar", 1, [](auto p, auto, const auto& c) { return p < integer(c, 1); }},
      {"aten::ge.Scalar", 1, [](auto p, auto, const auto& c) { return p >= integer(c, 1); }},
      {"aten::logical_or", 2, [](auto p, auto q, const auto&) { return p != 0 || q != 0; }},
      {"aten::clamp", 1,
       [](auto p, auto, const auto& c) {
         return std::min(std::max(p, integer(c, 1)), integer(c, 2));
       }},
      {"aten::masked_fill.Scalar", 2,
       [](auto p, auto q, const auto& c) { return q != 0 ? integer(c, 2) : p; }},
  };
  const std::string name = s.op + (s.overload.empty() ? "" : "." + s.overload);
  const auto row = std::ranges::find(kRows, name, &Row::name);
  if (row == std::end(kRows) || row->operands != of.size()) return std::nullopt;
  Values out;
  for (size_t i = 0; i < of[0].size(); ++i) {
    out.push_back(row->call(of[0][i], of.size() > 1 ? of[1][i] : 0, s));
  }
  return out;
}

// Whether the operator takes -1 for the last position.
bool counts_from_the_end(const std::string& op) {
  return op.starts_with("aten::index_put") || op.starts_with("aten::_index_put") ||
         op == "aten::index" || op == "aten::_unsafe_index" || op == "aten::_unsafe_index_put";
}

}  // namespace

PointerProbes::PointerProbes(const Lowering& in, const CallStep& step, CallMatch* match)
    : in_(in),
      step_(step),
      match_(*match),
      table_(*match->table()),
      signature_(in.graph->nodes[step.node].signature) {
  const bool negative = counts_from_the_end(signature_.op);
  for (int rank = 0; rank < in.program->mesh.ranks(); ++rank) {
    const TableSplit::Share share = table_.share(in_, step_, rank);
    const int64_t end = share.begin + share.length;
    Values probes;
    for (const int64_t p : {int64_t{0}, int64_t{1}, share.begin - 1, share.begin, share.begin + 1,
                            end - 1, end, table_.count - 1}) {
      if (p < 0 || p >= table_.count) continue;
      probes.push_back(p);
      if (negative) probes.push_back(p - table_.count);
    }
    if (table_.form.ignored) probes.push_back(signature_.args[*table_.form.ignored].ints[0]);
    shares_.push_back(share);
    probes_.push_back(std::move(probes));
  }
}

tensor::Geometry PointerProbes::like(size_t rank, tensor::DType dtype) const {
  tensor::Geometry g = match_.operand_geometry(static_cast<int>(rank), table_.form.pointers, 0);
  g.dtype = dtype;
  g.strides = tensor::contiguous_strides(g.sizes);
  g.offset = 0;
  return g;
}

std::string PointerProbes::values_of(size_t rank, const ops::Arg& arg, StorageId id,
                                     StorageId recorded, int64_t begin, Values* out) const {
  if (arg.written) return "it writes pointers";
  if (id == recorded) {
    const auto g = match_.operand_geometry(static_cast<int>(rank), table_.form.pointers, begin);
    if (arg.geometry != g)
      return "pointers are " + to_string(arg.geometry) + ", not " + to_string(g);
    *out = probes_[rank];
    return {};
  }
  const auto found = values_.find(id);
  if (found == values_.end()) return "s" + std::to_string(id) + " holds no pointers";
  if (arg.geometry != like(rank, arg.geometry.dtype)) {
    return "pointers are " + to_string(arg.geometry);
  }
  *out = found->second[rank];
  return {};
}

std::string PointerProbes::run(std::span<const ops::CallSignature* const> by_rank,
                               std::span<const StorageId> ids, StorageId recorded, int64_t begin) {
  std::vector<Values> made;
  for (size_t rank = 0; rank < by_rank.size(); ++rank) {
    const ops::CallSignature& s = *by_rank[rank];
    const std::vector<const ops::Arg*> args = ops::tensor_operands(s);
    std::vector<Values> of(args.size());
    for (size_t i = 0; i < args.size(); ++i) {
      std::string what = values_of(rank, *args[i], ids[i], recorded, begin, &of[i]);
      if (!what.empty()) return what;
    }
    auto out = result_of(s, of);
    const std::vector<const ops::Result*> results = ops::fresh_results(s);
    if (!out || results.size() != 1) return "it is no call on pointers";
    const tensor::Geometry& g = results[0]->geometry;
    if (g != like(rank, g.dtype)) return "pointers become " + to_string(g);
    made.push_back(std::move(*out));
  }
  values_[ids.back()] = std::move(made);
  return {};
}

PointerProbes::Wanted PointerProbes::wanted(size_t rank, int64_t pointer) const {
  const TableSplit::Share& share = shares_[rank];
  const bool ignored =
      table_.form.ignored && pointer == signature_.args[*table_.form.ignored].ints[0];
  const int64_t at = (pointer < 0 ? pointer + table_.count : pointer) - share.begin;
  return {!ignored && at >= 0 && at < share.length, ignored, at};
}

std::string PointerProbes::pointers_error(size_t rank, const ops::CallSignature& call,
                                          StorageId id) const {
  const auto found = values_.find(id);
  if (found == values_.end()) return "its pointers are not those of its part";
  const tensor::Geometry& g = ops::tensor_operands(call)[table_.form.pointers]->geometry;
  if (g != like(rank, g.dtype) || g.dtype == tensor::DType::kBool)
    return "pointers are " + to_string(g);
  const int64_t ignored = table_.form.ignored ? integer(call, *table_.form.ignored) : 0;
  for (size_t i = 0; i < probes_[rank].size(); ++i) {
    const Wanted w = wanted(rank, probes_[rank][i]);
    const int64_t got = found->second[rank][i];
    bool right = got == w.at;
    switch (table_.form.outside) {
      case ops::Outside::kZeros:
        if (!w.inside) right = got >= 0 && got < shares_[rank].length;
        break;
      case ops::Outside::kDump:
        if (!w.inside) right = got == shares_[rank].length;
        break;
      case ops::Outside::kIgnored:
        right = w.inside ? right && got != ignored : got == ignored;
        break;
    }
    if (!right) {
      return "pointer " + std::to_string(probes_[rank][i]) + " becomes " + std::to_string(got) +
             " in the part from " + std::to_string(shares_[rank].begin) + " on";
    }
  }
  return {};
}

std::string PointerProbes::flags_error(size_t rank, StorageId id) const {
  const auto found = values_.find(id);
  if (found == values_.end()) return "s" + std::to_string(id) + " does not tell what lies outside";
  for (size_t i = 0; i < probes_[rank].size(); ++i) {
    if ((found->second[rank][i] != 0) != wanted(rank, probes_[rank][i]).inside) continue;
    return "pointer " + std::to_string(probes_[rank][i]) + " is zeroed wrongly";
  }
  return {};
}

}  // namespace moai::compiler
