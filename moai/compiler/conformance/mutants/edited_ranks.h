// EditedRanks: the windows of all ranks as lists of nodes that may be changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "moai/compiler/conformance/run_plan.h"

namespace moai::compiler {

struct EditedNode {
  graph::NodeKind kind = graph::NodeKind::kCall;
  ops::CallSignature signature{};  // of a call
  std::vector<graph::StorageId> storages{};
  std::vector<uint64_t> words{};
  graph::LineId line = 0;

  bool calls(std::string_view op) const {
    return kind == graph::NodeKind::kCall && signature.op == op;
  }
  bool is_call() const { return kind == graph::NodeKind::kCall; }
  bool moves_between_ranks() const { return is_call() && signature.op.starts_with("moai::"); }
};

class EditedRanks {
 public:
  EditedRanks(const std::vector<graph::Window>& ranks, const graph::SignatureTable& signatures);

  size_t ranks() const { return nodes_.size(); }
  size_t size() const { return nodes_[0].size(); }
  // Of rank 0: what can be said of all ranks.
  const EditedNode& at(size_t i) const { return nodes_[0][i]; }
  EditedNode& at(size_t rank, size_t i) { return nodes_[rank][i]; }

  void erase(size_t i);
  // In front of node `i` of every rank what `make` gives for it.
  template <class Make>
  void insert(size_t i, const Make& make) {
    for (size_t rank = 0; rank < ranks(); ++rank) {
      nodes_[rank].insert(nodes_[rank].begin() + static_cast<ptrdiff_t>(i), make(rank));
    }
  }
  // Node `i` goes in front of what is node `to` before it.
  void move(size_t i, size_t to);
  void swap_ranks(size_t a, size_t b) { std::swap(nodes_[a], nodes_[b]); }
  std::vector<EditedNode>& of_rank(size_t rank) { return nodes_[rank]; }

  std::vector<graph::Window> windows(graph::SignatureTable* signatures) const;

  // A storage that no rank has.
  graph::StorageId fresh_storage() { return next_++; }

 private:
  std::vector<std::vector<EditedNode>> nodes_;  // by rank
  graph::StorageId next_ = 9000000;
};

// What an edit did; nothing where there was no place for it.
using Edit = std::optional<std::string>;
// The call, as far as a line has room, and which node it is.
std::string text_of(const EditedNode& n, size_t i);

// Of a call between ranks, what it is made of (moai/ops/bundled_call.h).
size_t items_of(const EditedNode& n);
// The storages of one: of its operand, if any, then of its result, if any.
std::vector<graph::StorageId*> item_storages(EditedNode* n, size_t item);
// Of several.
void erase_item(EditedNode* n, size_t item);

// A call that copies `g` of storage `from` into the new storage `to`.
EditedNode clone_of(const tensor::Geometry& g, graph::StorageId from, graph::StorageId to);
EditedNode release_of(graph::StorageId id);

}  // namespace moai::compiler
