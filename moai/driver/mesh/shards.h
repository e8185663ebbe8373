// Shards: writes, reads and moves what lies on the ranks between windows.
//
// Queues what has to be done. Of the sending thread.
#pragma once

#include <atomic>
#include <string_view>
#include <vector>

#include "moai/driver/mesh/gathering.h"
#include "moai/driver/mesh/rank_queue.h"
#include "moai/driver/mesh/storages.h"

namespace moai::driver {

class Shards {
 public:
  // All outlive it.
  Shards(const compiler::Mesh* mesh, Storages* storages, RankQueue* queue,
         graph::SignatureTable* signatures, std::atomic<StorageId>* next_storage)
      : mesh_(*mesh),
        storages_(*storages),
        queue_(*queue),
        signatures_(*signatures),
        next_storage_(*next_storage) {}

  // Moves a storage, or sends what was uploaded, so that it lies as wanted. Nothing for one that is
  // not known: it lies whole.
  void place(StorageId id, const compiler::StorageLayout& wanted);
  // Overwrites bytes of a storage that is on the ranks.
  void write(StorageId id, uint64_t storage_bytes, uint64_t offset, std::string_view bytes);
  // What each rank has of a range; the range is number `index` of the request.
  void read(const dispatch::ReadRange& range, size_t index, std::vector<dispatch::Read>* reads,
            std::vector<Gathering::Copy>* copies);

 private:
  class Move;

  // Bytes of a storage that lie together in it and on a rank.
  struct Piece {
    uint64_t whole_begin = 0, begin = 0, size = 0;
  };
  std::vector<Piece> pieces(const compiler::StorageState& state, size_t rank) const;
  size_t ranks() const { return static_cast<size_t>(mesh_.ranks()); }
  void send_held(StorageId id, const compiler::StorageLayout& layout);
  void move(size_t rank, StorageId id, const compiler::StorageState& state,
            const compiler::StorageLayout& wanted, StorageId first_temporary);
  void change_stage(int rank, const compiler::StorageLayout& from,
                    const compiler::StorageLayout& wanted, Move* move) const;
  bool is_first_with(const compiler::StorageLayout& layout, size_t rank) const;

  const compiler::Mesh& mesh_;
  Storages& storages_;
  RankQueue& queue_;
  graph::SignatureTable& signatures_;
  std::atomic<StorageId>& next_storage_;
};

}  // namespace moai::driver
