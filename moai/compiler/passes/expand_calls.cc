#include "moai/compiler/passes/expand_calls.h"

#include <algorithm>
#include <map>
#include <set>

#include "moai/ops/sharding/expansion.h"

namespace moai::compiler {
namespace {

using graph::StorageId;

class Expander {
 public:
  Expander(const graph::Window& w, StorageId first_temporary, graph::SignatureTable* signatures,
           const Expand& expand)
      : window_(w), next_(first_temporary), signatures_(*signatures), expand_(expand) {}

  void copy(const graph::Node& n) {
    const auto ids = window_.storages_of(n);
    switch (n.kind) {
      case graph::NodeKind::kCall:
        return out_.call(n.signature, ids, window_.words_of(n), n.line);
      case graph::NodeKind::kAlloc:
        return out_.alloc(ids[0], window_.words_of(n)[0]);
      case graph::NodeKind::kResize:
        return out_.resize(ids[0], window_.words_of(n)[0]);
      case graph::NodeKind::kFree:
        return out_.free(ids[0]);
    }
  }

  void expand(const graph::Node& n) {
    const ops::CallSignature s = signatures_.at(n.signature).signature();
    const auto expansion = expand_(s);
    if (!expansion) return copy(n);
    const auto ids = window_.storages_of(n);
    const uint32_t operands = ops::arity(s).operands;
    std::vector<StorageId> made;
    std::map<uint32_t, StorageId> wanted;
    for (size_t i = 0; i < expansion->results.size(); ++i) {
      wanted[expansion->results[i]] = ids[operands + i];
    }
    std::vector<StorageId> temporary;
    for (const ops::Expansion::Step& step : expansion->steps) {
      std::vector<StorageId> places;
      for (const ops::Expansion::Source& from : step.operands) {
        places.push_back(from.is_made ? made[from.index] : ids[from.index]);
      }
      for (uint32_t i = 0; i < ops::arity(step.signature).fresh; ++i) {
        const auto result = wanted.find(static_cast<uint32_t>(made.size()));
        if (result == wanted.end()) temporary.push_back(next_);
        made.push_back(result == wanted.end() ? next_++ : result->second);
        places.push_back(made.back());
      }
      std::vector<uint64_t> words;
      for (const uint32_t w : step.words) words.push_back(window_.words_of(n)[w]);
      out_.call(signatures_.intern(step.signature), places, words, n.line);
    }
    for (const StorageId id : temporary) out_.free(id);
  }

  size_t size() const { return out_.nodes.size(); }
  graph::Window take() { return std::move(out_); }

 private:
  const graph::Window& window_;
  StorageId next_;
  graph::SignatureTable& signatures_;
  const Expand& expand_;
  graph::Window out_;
};

}  // namespace

graph::Window expand_calls(const graph::Window& w, const std::vector<uint32_t>& nodes,
                           StorageId first_temporary, graph::SignatureTable* signatures,
                           std::vector<uint32_t>* sources, const Expand& expand) {
  Expander expander(w, first_temporary, signatures, expand);
  if (sources) sources->clear();
  for (uint32_t i = 0; i < w.nodes.size(); ++i) {
    const bool chosen = std::ranges::binary_search(nodes, i);
    chosen ? expander.expand(w.nodes[i]) : expander.copy(w.nodes[i]);
    if (sources) sources->resize(expander.size(), i);
  }
  return expander.take();
}

std::vector<uint32_t> calls_that_move(const ValueGraph& g, const SpmdProgram& program) {
  std::set<uint32_t> found;
  for (const Step& step : program.steps) {
    const auto* move = std::get_if<MoveStep>(&step);
    if (!move || move->reader == kNone) continue;
    if (move->kind == MoveKind::kSlice || move->kind == MoveKind::kMask) continue;
    if (move->axis == 0 && program.mesh.has_stages()) continue;  // no call's fault
    found.insert(g.nodes[move->reader].source);
  }
  return {found.begin(), found.end()};
}

}  // namespace moai::compiler
