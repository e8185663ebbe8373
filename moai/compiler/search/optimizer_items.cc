#include "moai/compiler/search/optimizer_items.h"

#include <algorithm>

#include "moai/ops/call_tensors.h"
#include "moai/ops/list_call.h"

namespace moai::compiler {
namespace {

using graph::StorageId;

bool is_stack(const ops::CallSignature& s) { return s.op == "aten::stack" || s.op == "aten::cat"; }

// Which of a call's storages, operands and then fresh results, belong together.
std::vector<uint32_t> together(const ops::CallSignature& s) {
  std::vector<uint32_t> found;
  uint32_t at = 0;
  for (const ops::Arg* a : ops::tensor_operands(s)) {
    if (a->written || tensor::element_count(a->geometry) > 1) found.push_back(at);
    ++at;
  }
  for (size_t i = ops::fresh_results(s).size(); i > 0; --i) found.push_back(at++);
  return found;
}

// The same of an item, among the storages of the call over lists.
std::vector<uint32_t> together(const ops::ListCallPart& part, uint32_t operands) {
  std::vector<uint32_t> found = together(part.signature);
  const auto own = static_cast<uint32_t>(part.operands.size());
  for (uint32_t& i : found) i = i < own ? part.operands[i] : operands + part.fresh[i - own];
  return found;
}

}  // namespace

const SplitCalls::Split& SplitCalls::of(graph::SignatureId id) {
  const auto [at, is_new] = known_.try_emplace(id);
  if (!is_new) return at->second;
  Split& split = at->second;
  split.signature = signatures_.at(id).signature();
  split.parts = ops::split_list_call(split.signature);
  split.operands = signatures_.at(id).arity.operands;
  if (!split.parts) split.together = {together(split.signature)};
  for (size_t i = 0; split.parts && i < split.parts->size(); ++i) {
    split.together.push_back(together((*split.parts)[i], split.operands));
  }
  return split;
}

StorageId OptimizerItems::group(StorageId s) {
  for (auto at = parent_.find(s); at != parent_.end() && at->second != s; at = parent_.find(s)) {
    s = at->second;
  }
  return s;
}

void OptimizerItems::tie(StorageId a, StorageId b) {
  a = group(a), b = group(b);
  if (a != b) parent_[a] = b;
}

StorageId OptimizerItems::renamed(StorageId s) const {
  const auto at = rename_.find(s);
  return at == rename_.end() ? s : at->second;
}

void OptimizerItems::see(const graph::Window& w, const graph::Node& call) {
  const SplitCalls::Split& split = calls_.of(call.signature);
  const auto ids = w.storages_of(call);
  seen_.insert(ids.begin(), ids.end());
  if (is_stack(split.signature)) return;
  for (const std::vector<uint32_t>& tied : split.together) {
    StorageId first = 0;
    for (const uint32_t i : tied) {
      if (ids[i] == 0) continue;
      if (first != 0) tie(first, ids[i]);
      if (first == 0) first = ids[i];
    }
  }
}

bool OptimizerItems::leaves_out(const std::vector<uint32_t>& together,
                                std::span<const StorageId> ids) const {
  return std::ranges::any_of(together,
                             [&](uint32_t i) { return ids[i] != 0 && is_left_out(ids[i]); });
}

bool OptimizerItems::finish() {
  std::unordered_set<StorageId> gone;
  for (const StorageId p : parameters_) {
    if (seen_.contains(p)) gone.insert(group(p));
  }
  for (const StorageId s : seen_) {
    if (gone.contains(group(s))) left_out_.insert(s);
  }
  // What stays of the layers must not have gone with them.
  for (const auto& [s, other] : rename_) {
    if (parameters_.contains(s) && left_out_.contains(other)) return false;
  }
  return true;
}

bool OptimizerItems::emit(const graph::Window& w, const graph::Node& call, graph::Window* out) {
  const SplitCalls::Split& split = calls_.of(call.signature);
  if (ops::is_list_call(split.signature)) return emit_list(w, call, split, out);
  ops::CallSignature s = split.signature;
  if (is_stack(s)) return emit_stack(w, call, std::move(s), out);
  std::vector<StorageId> ids(w.storages_of(call).begin(), w.storages_of(call).end());
  if (leaves_out(split.together[0], ids)) return true;
  const bool resized = resize(w, call, &s);
  for (StorageId& id : ids) id = renamed(id);
  out->call(resized ? signatures_.intern(s) : call.signature, ids, w.words_of(call), call.line);
  return true;
}

bool OptimizerItems::emit_list(const graph::Window& w, const graph::Node& call,
                               const SplitCalls::Split& split, graph::Window* out) {
  const auto ids = w.storages_of(call);
  if (!split.parts) return false;
  const uint32_t operands = split.operands;
  std::vector<ops::CallSignature> kept;
  std::vector<const ops::ListCallPart*> from;
  for (size_t i = 0; i < split.parts->size(); ++i) {
    if (leaves_out(split.together[i], ids)) continue;
    from.push_back(&(*split.parts)[i]);
    kept.push_back(from.back()->signature);
  }
  if (kept.empty()) return true;
  const auto joined = ops::join_list_calls(kept);
  if (!joined) return false;
  std::vector<StorageId> places;
  std::vector<uint64_t> words;
  for (const auto& at : joined->operands) {
    places.push_back(renamed(ids[from[at[0].part]->operands[at[0].index]]));
  }
  for (const auto& at : joined->fresh) {
    places.push_back(ids[operands + from[at.part]->fresh[at.index]]);
  }
  for (const auto& at : joined->words) {
    words.push_back(w.words_of(call)[from[at[0].part]->words[at[0].index]]);
  }
  out->call(signatures_.intern(joined->signature), places, words, call.line);
  return true;
}

// A stack of what is left; only of numbers, which become one dimension.
bool OptimizerItems::emit_stack(const graph::Window& w, const graph::Node& call,
                                ops::CallSignature s, graph::Window* out) {
  std::vector<StorageId> ids(w.storages_of(call).begin(), w.storages_of(call).end());
  const size_t before = s.args.empty() ? 0 : s.args[0].items.size();
  std::vector<ops::Arg> items;
  std::vector<StorageId> places;
  for (size_t i = 0; i < before; ++i) {
    if (is_left_out(ids[i])) continue;
    items.push_back(s.args[0].items[i]);
    places.push_back(ids[i]);
  }
  places.insert(places.end(), ids.begin() + static_cast<ptrdiff_t>(before), ids.end());
  if (items.size() != before) {
    const std::vector<ops::Result*> fresh = ops::fresh_results(s);
    const auto length = static_cast<int64_t>(before), left = static_cast<int64_t>(items.size());
    if (items.empty() || fresh.size() != 1 || fresh[0]->geometry.sizes != std::vector{length}) {
      return false;
    }
    fresh[0]->geometry.sizes = {left};
    resized_[places.back()] = {length, left};
    s.args[0].items = std::move(items);
  }
  for (StorageId& id : places) id = renamed(id);
  out->call(signatures_.intern(s), places, w.words_of(call), call.line);
  return true;
}

bool OptimizerItems::resize(const graph::Window& w, const graph::Node& call,
                            ops::CallSignature* s) {
  const auto ids = w.storages_of(call);
  size_t at = 0;
  std::optional<std::pair<int64_t, int64_t>> change;
  for (ops::Arg* a : ops::tensor_operands(*s)) {
    const auto found = resized_.find(ids[at++]);
    if (found == resized_.end() || a->geometry.sizes != std::vector{found->second.first}) continue;
    a->geometry.sizes = {found->second.second};
    change = found->second;
  }
  if (!change) return false;
  for (ops::Result* r : ops::fresh_results(*s)) {
    if (r->geometry.sizes == std::vector{change->first}) {
      r->geometry.sizes = {change->second};
      resized_[ids[at]] = *change;
    }
    ++at;
  }
  return true;
}

}  // namespace moai::compiler
