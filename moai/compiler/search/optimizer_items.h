// OptimizerItems: what of the calls behind the layers goes with parameters that are left out.
//
// Storages that calls there read or write together belong to one parameter: its gradient, state and
// what is computed of them. Single numbers are shared by all and tie nothing together. Of lists the
// items of parameters that are left out go; a stack of numbers, one a parameter, becomes shorter.
#pragma once

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "moai/graph/window.h"
#include "moai/ops/list_call.h"

namespace moai::compiler {

// Calls by signature, taken apart into the items of their lists once.
class SplitCalls {
 public:
  struct Split {
    ops::CallSignature signature{};
    std::optional<std::vector<ops::ListCallPart>> parts{};  // none: no call over lists
    uint32_t operands = 0;
    // By item, or of all: which of the call's storages belong together.
    std::vector<std::vector<uint32_t>> together{};
  };

  // It outlives this.
  explicit SplitCalls(const graph::SignatureTable* signatures) : signatures_(*signatures) {}
  const Split& of(graph::SignatureId id);

 private:
  const graph::SignatureTable& signatures_;
  std::unordered_map<graph::SignatureId, Split> known_;
};

class OptimizerItems {
 public:
  using Rename = std::unordered_map<graph::StorageId, graph::StorageId>;

  // All outlive it.
  OptimizerItems(graph::SignatureTable* signatures, SplitCalls* calls, const Rename* rename,
                 std::unordered_set<graph::StorageId> parameters)
      : signatures_(*signatures),
        calls_(*calls),
        rename_(*rename),
        parameters_(std::move(parameters)) {}

  // First every call behind the layers, then finish(); false where a parameter that is left out and
  // one that is not belong together.
  void see(const graph::Window& w, const graph::Node& call);
  bool finish();

  // Appends what is left of a call; false where that cannot be said.
  bool emit(const graph::Window& w, const graph::Node& call, graph::Window* out);

 private:
  bool is_left_out(graph::StorageId s) const { return left_out_.contains(s); }
  graph::StorageId group(graph::StorageId s);
  void tie(graph::StorageId a, graph::StorageId b);
  bool leaves_out(const std::vector<uint32_t>& together,
                  std::span<const graph::StorageId> ids) const;
  graph::StorageId renamed(graph::StorageId s) const;
  bool emit_list(const graph::Window& w, const graph::Node& call, const SplitCalls::Split& split,
                 graph::Window* out);
  bool emit_stack(const graph::Window& w, const graph::Node& call, ops::CallSignature s,
                  graph::Window* out);
  bool resize(const graph::Window& w, const graph::Node& call, ops::CallSignature* s);

  graph::SignatureTable& signatures_;
  SplitCalls& calls_;
  const Rename& rename_;
  const std::unordered_set<graph::StorageId> parameters_;
  std::unordered_map<graph::StorageId, graph::StorageId> parent_;
  std::unordered_set<graph::StorageId> seen_, left_out_;
  // Of stacks that became shorter: how long they were and are.
  std::unordered_map<graph::StorageId, std::pair<int64_t, int64_t>> resized_;
};

}  // namespace moai::compiler
