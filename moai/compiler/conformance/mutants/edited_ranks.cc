#include "moai/compiler/conformance/mutants/edited_ranks.h"

#include <algorithm>

#include "moai/ops/bundled_call.h"
#include "moai/ops/call_build.h"

namespace moai::compiler {

EditedRanks::EditedRanks(const std::vector<graph::Window>& ranks,
                         const graph::SignatureTable& signatures) {
  for (const graph::Window& w : ranks) {
    std::vector<EditedNode>& nodes = nodes_.emplace_back();
    for (const graph::Node& n : w.nodes) {
      const auto ids = w.storages_of(n);
      const auto words = w.words_of(n);
      EditedNode& node = nodes.emplace_back();
      node.kind = n.kind;
      if (node.is_call()) node.signature = signatures.at(n.signature).signature();
      node.storages.assign(ids.begin(), ids.end());
      node.words.assign(words.begin(), words.end());
      node.line = n.line;
    }
  }
}

void EditedRanks::erase(size_t i) {
  for (std::vector<EditedNode>& nodes : nodes_) nodes.erase(nodes.begin() + static_cast<long>(i));
}

void EditedRanks::move(size_t i, size_t to) {
  for (std::vector<EditedNode>& nodes : nodes_) {
    const auto at = [&](size_t k) { return nodes.begin() + static_cast<ptrdiff_t>(k); };
    if (to < i) std::rotate(at(to), at(i), at(i + 1));
    if (to > i) std::rotate(at(i), at(i + 1), at(to));
  }
}

std::vector<graph::Window> EditedRanks::windows(graph::SignatureTable* signatures) const {
  std::vector<graph::Window> ranks;
  for (const std::vector<EditedNode>& nodes : nodes_) {
    graph::Window& w = ranks.emplace_back();
    for (const EditedNode& n : nodes) {
      switch (n.kind) {
        case graph::NodeKind::kCall:
          w.call(signatures->intern(n.signature), n.storages, n.words, n.line);
          break;
        case graph::NodeKind::kAlloc:
          w.alloc(n.storages[0], n.words[0]);
          break;
        case graph::NodeKind::kResize:
          w.resize(n.storages[0], n.words[0]);
          break;
        case graph::NodeKind::kFree:
          w.free(n.storages[0]);
          break;
      }
    }
  }
  return ranks;
}

size_t items_of(const EditedNode& n) {
  const auto items = ops::unbundled_call(n.signature);
  return items ? items->size() : 0;
}

std::vector<graph::StorageId*> item_storages(EditedNode* n, size_t item) {
  std::vector<graph::StorageId*> found;
  for (size_t at = item; at < n->storages.size(); at += items_of(*n)) {
    found.push_back(&n->storages[at]);
  }
  return found;
}

void erase_item(EditedNode* n, size_t item) {
  auto items = *ops::unbundled_call(n->signature);
  std::vector<graph::StorageId> kept;
  for (size_t at = 0; at < n->storages.size(); ++at) {
    if (at % items.size() != item) kept.push_back(n->storages[at]);
  }
  n->storages = std::move(kept);
  items.erase(items.begin() + static_cast<ptrdiff_t>(item));
  n->signature = *ops::bundled_call(items);
}

EditedNode clone_of(const tensor::Geometry& g, graph::StorageId from, graph::StorageId to) {
  tensor::Geometry made = g;
  made.strides = tensor::contiguous_strides(g.sizes);
  made.offset = 0;
  return {.signature = {.op = "aten::clone",
                        .overload = "",
                        .args = {ops::of_tensor(g), {}},
                        .results = {ops::of_fresh(made)}},
          .storages = {from, to}};
}

EditedNode release_of(graph::StorageId id) {
  return {.kind = graph::NodeKind::kFree, .storages = {id}};
}

std::string text_of(const EditedNode& n, size_t i) {
  return to_string(n.signature).substr(0, 90) + " at " + std::to_string(i);
}

}  // namespace moai::compiler
