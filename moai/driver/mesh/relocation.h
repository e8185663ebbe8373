// Relocation: what lies in parts on one mesh goes to where the plans of another want it.
//
// A window is planned for the other mesh first, as if all that lies were whole, so that the plan
// says where each storage should be; then run() moves every storage there, one after the other, or
// undo() leaves everything as it was. Of the sending thread.
#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include "moai/driver/mesh/shards.h"
#include "moai/driver/mesh/storages.h"

namespace moai::driver {

class Relocation {
 public:
  // `w` is the window that will be planned. All outlive it.
  Relocation(Storages* storages, const compiler::Mesh* from, const compiler::Mesh* to,
             const graph::Window& w);

  // A storage of the window is to lie so; without a word it lies whole.
  void want(StorageId id, const compiler::StorageLayout& layout);
  // What a rank holds at most while storages are moved.
  uint64_t rank_bytes() const;

  // Queues the moves, in the groups of `from`.
  void run(Shards* shards) const;
  void undo();

 private:
  Storages& storages_;
  const compiler::Mesh &from_, &to_;
  std::vector<std::pair<StorageId, compiler::StorageLayout>> before_;  // of all that lies, by id
};

}  // namespace moai::driver
