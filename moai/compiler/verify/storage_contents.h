// StorageContents: which registers the storages of every rank hold, as its program runs.
//
// Ranks use storages alike, so one table serves them all; what differs is how many bytes there are.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

class StorageContents {
 public:
  struct Place {
    graph::StorageId storage = 0;
    int64_t begin = 0;  // of the register's part, in bytes; the same on every rank

    bool operator==(const Place&) const = default;
  };

  explicit StorageContents(size_t registers) : held_(registers) {}

  bool exists(graph::StorageId id) const { return storages_.contains(id); }
  // `bytes`: by rank; empty where unknown. False where it exists.
  bool make(graph::StorageId id, std::vector<uint64_t> bytes);
  // False where it does not exist.
  bool release(graph::StorageId id);
  // Whether its bytes are known.
  bool is_sized(graph::StorageId id) const { return !storages_.at(id).bytes.empty(); }
  // Whether `bytes` from the storage's beginning are there on `rank`.
  bool has_room(graph::StorageId id, size_t rank, int64_t bytes) const;
  std::vector<graph::StorageId> all() const;

  // The register lies there from now on, and what lay there before is lost.
  void put(RegisterId r, Place place, int64_t bytes);
  // The register of which a part begins there; kNone without one.
  RegisterId at(Place place) const;
  // What may not have been made is held no longer.
  void forget(RegisterId r) { held_[r].state = State::kForgotten; }
  // Where it was put last; nullptr where it is no longer there. Copies elsewhere may be.
  const Place* of(RegisterId r) const;
  // Where it lies in that storage; nothing where it does not.
  std::optional<Place> in(graph::StorageId id, RegisterId r) const;
  // Why not: "was not made", "was overwritten in s7", "was released with s7".
  std::string lost_text(RegisterId r) const;

 private:
  struct Cell {
    int64_t begin = 0, end = 0;
    RegisterId held = kNone;
  };
  struct Storage {
    std::vector<uint64_t> bytes{};
    std::vector<Cell> cells{};  // disjoint, by place
  };
  enum class State : uint8_t { kUnmade, kHeld, kOverwritten, kReleased, kForgotten };
  struct Held {
    State state = State::kUnmade;
    Place place{};
  };

  void lose(RegisterId r, Place place, State how);

  std::unordered_map<graph::StorageId, Storage> storages_;
  std::vector<Held> held_;  // by register
};

}  // namespace moai::compiler
