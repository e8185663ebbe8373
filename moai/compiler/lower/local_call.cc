#include "moai/compiler/lower/local_call.h"

#include <algorithm>

#include "moai/compiler/sharding/strategies.h"
#include "moai/compiler/sharding/table_split.h"
#include "moai/ops/call_build.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {

using graph::StorageId;
using tensor::Geometry;

Geometry dense_geometry(tensor::DType dtype, std::vector<int64_t> sizes, int64_t begin) {
  Geometry g{.dtype = dtype, .sizes = std::move(sizes), .offset = begin};
  g.strides = tensor::contiguous_strides(g.sizes);
  return g;
}

LocalCall made_up_call(std::string_view op, std::vector<ops::Arg> args,
                       std::vector<ops::Result> results, std::vector<StorageId> ids) {
  return {.signature = {.op = std::string(op),
                        .overload = "",
                        .args = std::move(args),
                        .results = std::move(results)},
          .storages = std::move(ids)};
}

LocalCall LocalCalls::call(const CallStep& step, const PlaceOf& place) const {
  const ValueNode& n = graph_.nodes[step.node];
  const ops::ShardingRule& rule = in_.factors->rule(step.node).rule;
  LocalCall local{.signature = n.signature};
  ops::CallSignature& s = local.signature;
  size_t at = 0, next_written = n.results.size();
  for (ops::Arg* a : ops::tensor_operands(s)) {
    RegisterId r = step.operands[at];
    if (a->written) {
      if (r == kNone) r = step.made[next_written];
      ++next_written;
    }
    localize(step, n.operands[at], rule.operands[at], r, place, &local.storages, &a->geometry);
    ++at;
  }
  at = 0;
  for (ops::Result* r : ops::fresh_results(s)) {
    localize(step, n.results[at], rule.results[at], step.made[at], place, &local.storages,
             &r->geometry);
    ++at;
  }
  set_sizes(step, &s);
  if (ops::draws_by_element(s)) set_share(step, &s);
  for (const uint32_t w : n.words) local.words.push_back(in_.window->words[w]);
  return local;
}

void LocalCalls::localize(const CallStep& step, const Use& use, const ops::FactorDims& dims,
                          RegisterId r, const PlaceOf& place, std::vector<StorageId>* ids,
                          Geometry* g) const {
  fit(step, use, dims, g);
  if (r == kNone) return ids->push_back(0);
  const LocalPlace p = place(r);
  *g = layout(r).geometry(use, *g);
  g->offset += p.begin;
  ids->push_back(p.storage);
}

// Dimensions that show nothing of a segment, since they repeat it or the tensor has no elements,
// are as long as what the rank does along their factors.
void LocalCalls::fit(const CallStep& step, const Use& use, const ops::FactorDims& dims,
                     Geometry* g) const {
  const bool empty = use.value == kNone && use.made == kNone;
  for (size_t d = 0; d < dims.size(); ++d) {
    const bool repeats = use.view && use.view->dims[d].kind == ViewDim::Kind::kBroadcast;
    if (dims[d].empty() || (!empty && !repeats)) continue;
    g->sizes[d] = 1;
    for (const ops::FactorIndex f : dims[d]) {
      g->sizes[d] *= local_size(step, in_.factors->rule(step.node), f);
    }
  }
}

void LocalCalls::set_sizes(const CallStep& step, ops::CallSignature* s) const {
  const NodeRule& rule = in_.factors->rule(step.node);
  for (const ops::SizeArgument& a : rule.rule.sizes) {
    int64_t size = 1;
    for (const ops::FactorIndex f : a.factors) size *= local_size(step, rule, f);
    ops::Arg& arg = s->args[a.argument];
    arg.ints[a.item < 0 ? 0 : static_cast<size_t>(a.item)] = size;
  }
}

// Says which part of the whole the rank draws, where it does not draw all of it.
void LocalCalls::set_share(const CallStep& step, ops::CallSignature* s) const {
  const NodeRule& rule = in_.factors->rule(step.node);
  if (!rule.known || rule.rule.results.empty()) return;
  std::vector<ops::ShareDigit> digits;
  for (const auto& dim : rule.rule.results[0]) {
    for (const ops::FactorIndex f : dim) add_digits(step, rule, f, &digits);
  }
  // Of a call that draws a part already, a part of that.
  const auto drawn = ops::share_of(graph_.nodes[step.node].signature);
  if (drawn) {
    auto part = ops::part_of_part(*drawn, std::move(digits));
    if (!part) return;
    digits = std::move(*part);
    s->args.pop_back();
  }
  const auto is_whole = [](const ops::ShareDigit& d) { return d.size == d.whole; };
  if (!std::ranges::all_of(digits, is_whole)) s->args.push_back(ops::of_share(digits));
}

void LocalCalls::add_digits(const CallStep& step, const NodeRule& rule, ops::FactorIndex f,
                            std::vector<ops::ShareDigit>* digits) const {
  if (rule.parts[f].empty()) {
    const int64_t n = rule.rule.factors[f].size;
    return digits->push_back({n, 0, n});
  }
  for (uint32_t part = 0; part < rule.parts[f].size(); ++part) {
    const int64_t n = in_.factors->size(rule.parts[f][part]);
    ops::ShareDigit digit{n, 0, n};
    for (size_t a = 0; a < step.work.size(); ++a) {
      if (step.work[a] != AxisWork{AxisWork::Kind::kSplit, f, part}) continue;
      const int ranks = program_.mesh.axes[a].size, index = program_.mesh.coordinate(rank_, a);
      digit = {n, share_begin(n, ranks, index), share_size(n, ranks, index)};
    }
    digits->push_back(digit);
  }
}

int64_t LocalCalls::local_size(const CallStep& step, const NodeRule& rule,
                               ops::FactorIndex f) const {
  if (rule.parts[f].empty()) return rule.rule.factors[f].size;
  int64_t size = 1;
  for (uint32_t part = 0; part < rule.parts[f].size(); ++part) {
    int64_t n = in_.factors->size(rule.parts[f][part]);
    for (size_t a = 0; a < step.work.size(); ++a) {
      if (step.work[a] != AxisWork{AxisWork::Kind::kSplit, f, part}) continue;
      n = share_size(n, program_.mesh.axes[a].size, program_.mesh.coordinate(rank_, a));
    }
    size *= n;
  }
  return size;
}

std::optional<TablePart> LocalCalls::table_part(const CallStep& step) const {
  const NodeRule& rule = in_.factors->rule(step.node);
  for (size_t a = 0; a < step.work.size(); ++a) {
    const AxisWork& w = step.work[a];
    if (w.kind != AxisWork::Kind::kSplit) continue;
    if (rule.rule.factors[w.factor].kind != ops::FactorKind::kIndexed) continue;
    int64_t inner = 1;
    for (size_t p = 1; p < rule.parts[w.factor].size(); ++p) {
      inner *= in_.factors->size(rule.parts[w.factor][p]);
    }
    const int64_t n = in_.factors->size(rule.parts[w.factor][0]);
    const int ranks = program_.mesh.axes[a].size, index = program_.mesh.coordinate(rank_, a);
    return TablePart{w.factor, share_begin(n, ranks, index) * inner,
                     share_size(n, ranks, index) * inner};
  }
  return std::nullopt;
}

std::vector<StorageId> LocalCalls::along_table(const CallStep& step, TablePart part, LocalCall call,
                                               const IndexedCall::Emit& emit,
                                               const IndexedCall::MakeStorage& make) const {
  const NodeRule& rule = in_.factors->rule(step.node);
  const auto form = splittable_form(graph_.nodes[step.node], rule, part.factor);
  return IndexedCall(rule, *form, part, std::move(call), emit, make).run();
}

Geometry LocalCalls::flat(RegisterId r, int64_t begin) const {
  return dense_geometry(dtype(r), {layout(r).count()}, begin);
}

Geometry LocalCalls::around(RegisterId r, uint32_t place, int64_t begin) const {
  const LocalLayout::Around a = layout(r).around(place);
  return dense_geometry(dtype(r), {a.outer, a.here, a.inner}, begin);
}

LocalCall LocalCalls::slice(const MoveStep& m, LocalPlace from, StorageId to) const {
  const int ranks = program_.mesh.axes[m.axis].size;
  const int index = program_.mesh.coordinate(rank_, m.axis);
  Geometry part = around(m.from, program_.registers[m.to].placement[m.axis].place, from.begin);
  const int64_t n = part.sizes[1];
  part.sizes[1] = share_size(n, ranks, index);
  part.offset += share_begin(n, ranks, index) * part.sizes[2];
  return made_up_call("aten::clone", {ops::of_tensor(part), {.kind = ops::ArgKind::kNone}},
                      {ops::of_fresh(dense_geometry(part.dtype, part.sizes))}, {from.storage, to});
}

// The first rank of the group keeps the value, the others have nothing to add.
LocalCall LocalCalls::mask(const MoveStep& m, LocalPlace from, StorageId to) const {
  const ops::Reduction reduction = program_.registers[m.to].placement[m.axis].reduction;
  const bool keeps =
      program_.mesh.coordinate(rank_, m.axis) == 0 || tensor::is_idempotent(reduction);
  const Geometry g = flat(m.from, from.begin);
  std::vector<ops::Arg> args{ops::of_tensor(g), {.kind = ops::ArgKind::kNone}};
  if (!keeps) args.resize(6, {.kind = ops::ArgKind::kNone});
  return made_up_call(keeps ? "aten::clone" : "aten::zeros_like", std::move(args),
                      {ops::of_fresh(dense_geometry(g.dtype, g.sizes))}, {from.storage, to});
}

}  // namespace moai::compiler
