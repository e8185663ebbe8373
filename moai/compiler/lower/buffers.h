// Buffers: which storage of a rank holds each register of its program.
//
// Registers share a buffer where a step writes into what it read. Temporary storages are numbered
// in the order in which they are made.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

using BufferId = uint32_t;

struct RankBuffer {
  graph::StorageId storage = 0;
  int64_t begin = 0;  // of element 0, in elements
  bool temporary = false;
};

class Buffers {
 public:
  Buffers(const Lowering& in, graph::StorageId first_temporary);

  const RankBuffer& of(RegisterId r) const { return buffers_[by_register_[r]]; }
  BufferId id(RegisterId r) const { return by_register_[r]; }
  // The first number that no buffer has.
  graph::StorageId next_temporary() const { return next_; }
  // Bytes of the window's own allocation of a storage; 0 where the window does not allocate it.
  uint64_t allocated_bytes(graph::StorageId storage) const;
  // Whether a buffer has the storage's own id: not where all that the window makes of it lies
  // otherwise than it does in the end.
  bool has_own(graph::StorageId storage) const;
  // Storages that do not outlive the window: those that no step uses, and those that no step after
  // `step` uses. The step past the last stands for the end.
  const std::vector<graph::StorageId>& released_first() const { return released_first_; }
  const std::vector<graph::StorageId>& released_after(uint32_t step) const {
    return released_after_[step];
  }

 private:
  void call(const CallStep& step);
  void move(const MoveStep& step);
  BufferId own(SegmentId segment, const Placement& p);
  BufferId temporary();
  bool is_home(SegmentId segment, const Placement& p) const;
  bool exists(SegmentId segment) const;
  bool ends_elsewhere(SegmentId segment, const Placement& p) const;
  void set(RegisterId r, BufferId b) { by_register_[r] = b; }
  void use(RegisterId r, uint32_t step);
  void plan_releases(uint32_t end);
  SegmentId segment(RegisterId r) const;

  const Lowering& in_;
  graph::StorageId next_;
  std::vector<RankBuffer> buffers_;
  std::vector<BufferId> by_register_;
  std::map<std::pair<graph::StorageId, int64_t>, BufferId> own_;
  std::map<graph::StorageId, uint64_t> allocated_;
  std::set<graph::StorageId> released_;  // by the window
  std::set<graph::StorageId> results_;   // of its calls
  std::map<graph::StorageId, uint32_t> last_use_;
  std::vector<graph::StorageId> released_first_;
  std::vector<std::vector<graph::StorageId>> released_after_;  // by step
  std::map<SegmentId, Placement> home_;  // of what exists before, and in the end
};

}  // namespace moai::compiler
