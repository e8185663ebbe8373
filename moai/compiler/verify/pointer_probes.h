// PointerProbes: what the calls in front of a split table do to pointers, tried on a few of them.
//
// The calls are piecewise linear in each pointer, with borders where a rank's part begins and ends,
// so pointers at and beside the borders tell whether every one arrives where it must
// (moai/ops/sharding/indexed.h).
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "moai/compiler/verify/call_match.h"

namespace moai::compiler {

class PointerProbes {
 public:
  // Of a call along a split table; both outlive it.
  PointerProbes(const Lowering& in, const CallStep& step, CallMatch* match);

  RegisterId pointers() const { return match_.operand(table_.form.pointers); }
  bool holds(graph::StorageId id) const { return values_.contains(id); }

  // Runs a call on pointers on all ranks, `begin` bytes from where the recorded pointers lie in
  // their storage `recorded`; its result is a new storage. What is wrong with it, or nothing.
  std::string run(std::span<const ops::CallSignature* const> by_rank,
                  std::span<const graph::StorageId> ids, graph::StorageId recorded, int64_t begin);
  // Whether the call itself, on the rank, gets its pointers right from storage `id`.
  std::string pointers_error(size_t rank, const ops::CallSignature& call,
                             graph::StorageId id) const;
  // Whether `id` says on the rank which pointers lie outside.
  std::string flags_error(size_t rank, graph::StorageId id) const;

 private:
  using Values = std::vector<int64_t>;  // by probe

  struct Wanted {
    bool inside = false, ignored = false;
    int64_t at = 0;
  };
  Wanted wanted(size_t rank, int64_t pointer) const;
  std::string values_of(size_t rank, const ops::Arg& arg, graph::StorageId id,
                        graph::StorageId recorded, int64_t begin, Values* out) const;
  tensor::Geometry like(size_t rank, tensor::DType dtype) const;

  const Lowering& in_;
  const CallStep& step_;
  CallMatch& match_;
  const TableSplit table_;
  const ops::CallSignature& signature_;
  std::vector<TableSplit::Share> shares_;                             // by rank
  std::vector<Values> probes_;                                        // by rank
  std::unordered_map<graph::StorageId, std::vector<Values>> values_;  // by rank
};

}  // namespace moai::compiler
