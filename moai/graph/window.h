// Window: the recorded operators of about a step, as plain data.
//
// A node is a signature plus its storages and words (moai/ops/call.h). Storages are named by the
// ids the front gave them; ids are never reused. Besides calls a window holds what happens to
// storages: allocation, growth and release, in the order in which the front did it, so that a
// reader can replay memory exactly. SSA over storage versions is derived (storage_versions), not
// stored.
//
// Text form, one line a node (print/parse round-trip); the number after "@" is the line id, and
// docs/formats/window.md has the grammar:
//   alloc s7 4096
//   s9 = aten::add.Tensor(f32[2,3] s7, f32[2,3] s8, word 1.0) -> f32[2,3]    @12
//   free s7
//
// A Window is a value; not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moai/base/status.h"
#include "moai/graph/signature_table.h"

namespace moai::graph {

using StorageId = uint64_t;  // 0 is "no storage" (a tensor without elements)
using LineId = uint32_t;     // index of a source line known to the front; 0 is unknown

enum class NodeKind : uint8_t { kCall = 0, kAlloc = 1, kResize = 2, kFree = 3 };

struct Node {
  NodeKind kind = NodeKind::kCall;
  SignatureId signature = 0;    // kCall
  LineId line = 0;              // kCall
  uint32_t storages_begin = 0;  // kCall: operands then fresh results; others: one storage
  uint32_t storages_count = 0;
  uint32_t words_begin = 0;  // kAlloc, kResize: one word, the size in bytes
  uint32_t words_count = 0;
};

struct Window {
  std::vector<Node> nodes{};
  std::vector<StorageId> storages{};
  std::vector<uint64_t> words{};

  void call(SignatureId signature, std::span<const StorageId> storages,
            std::span<const uint64_t> words, LineId line);
  void alloc(StorageId id, uint64_t size_bytes) { storage_node(NodeKind::kAlloc, id, size_bytes); }
  void resize(StorageId id, uint64_t size_bytes) {
    storage_node(NodeKind::kResize, id, size_bytes);
  }
  void free(StorageId id);
  void clear();
  bool empty() const { return nodes.empty(); }
  std::span<const StorageId> storages_of(const Node& n) const {
    return std::span(storages).subspan(n.storages_begin, n.storages_count);
  }
  std::span<const uint64_t> words_of(const Node& n) const {
    return std::span(words).subspan(n.words_begin, n.words_count);
  }

 private:
  void storage_node(NodeKind kind, StorageId id, uint64_t size_bytes);
};

// Checks counts against the signatures, that no storage is used after its release or made twice.
Status verify(const Window& w, const SignatureTable& signatures);

// For each node, the version of each of its storages: reads give the version read, writes and fresh
// results the version made (from 1; storages that live longer than the window start at 0).
std::vector<std::vector<uint32_t>> storage_versions(const Window& w,
                                                    const SignatureTable& signatures);

// Identity of a window: structure, geometry and non-float attributes; storages renamed in order of
// first use; words (also the sizes of allocations), releases and lines do not count. Equal in every
// process.
uint64_t window_hash(const Window& w, const SignatureTable& signatures);

std::string print(const Window& w, const SignatureTable& signatures);
Result<Window> parse(std::string_view text, SignatureTable* signatures);
// One line of it, without the end of the line.
std::string print_node(const Window& w, const Node& n, const SignatureTable& signatures);
// Appends the node of a line; false when it is none.
bool parse_node(std::string_view line, Window* w, SignatureTable* signatures);

}  // namespace moai::graph
