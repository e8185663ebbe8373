// VirtualRanks: the programs of all ranks, run on one device in one process; those of one stage in
// lockstep, a stage as far as it comes without the others.
//
// What a Worker does with a rank's program, without Workers: calls run one after the other for each
// rank, and calls of `moai::` move bytes between the ranks' storages here.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moai/compiler/sharding/placement.h"
#include "moai/device/device.h"
#include "moai/graph/window.h"

namespace moai::compiler {

class VirtualRanks {
 public:
  // Both outlive it.
  VirtualRanks(device::Device* device, const graph::SignatureTable* signatures, Mesh mesh);

  Status put(int rank, graph::StorageId storage, std::string_view bytes);
  // Empty where the rank has no such storage.
  Result<std::string> get(int rank, graph::StorageId storage) const;

  // One program a rank, node by node of the same kinds within a stage.
  Status run(const std::vector<graph::Window>& programs);
  // A mutant: the sum over ranks of this number, counted from 0, is left out.
  void leave_out_sum(uint64_t number) { left_out_ = number; }
  uint64_t sums() const { return sums_; }
  // Storages of a rank that exist now.
  size_t storage_count(int rank) const { return storages_[static_cast<size_t>(rank)].size(); }
  // Bytes of a rank's storages, at most; and with what the device took beside them in a call.
  struct Memory {
    uint64_t storage_bytes = 0, storage_bytes_max = 0, bytes_max = 0;
  };
  const Memory& memory(int rank) const { return memory_[static_cast<size_t>(rank)]; }
  // Bytes that crossed between ranks, summed over ranks, and collectives a rank took part in.
  uint64_t moved_bytes() const { return moved_bytes_; }
  uint64_t collectives(int rank) const {
    return collectives_[static_cast<size_t>(mesh_.stage(rank))];
  }

 private:
  using Storages = std::map<graph::StorageId, device::BufferPtr>;
  struct Taken {  // one item of a collective call, as each rank of a group makes it
    std::vector<int> ranks{};
    std::vector<ops::CallSignature> calls{};
    std::vector<std::string> parts{};         // bytes of the operands
    std::vector<graph::StorageId> results{};  // what is made, or summed in place
  };

  // Of ranks that go on together.
  struct Stage {
    int first = 0, end = 0;  // ranks
    size_t at = 0;           // of their programs
  };
  // False where what the stage must receive was not sent yet.
  Result<bool> advance(const std::vector<graph::Window>& programs, Stage* stage);
  Result<bool> pass(const std::vector<graph::Window>& programs, const Stage& stage,
                    const std::string& op);
  Status step(const std::vector<graph::Window>& programs, const Stage& stage);
  Status memory_node(int rank, const graph::Window& w, const graph::Node& n);
  // Counts anew what the rank has; `workspace`: of the device, beside it.
  void count(int rank, uint64_t workspace = 0);
  Status start(const std::vector<graph::Window>& programs, const Stage& stage);
  Status wait(const std::vector<graph::Window>& programs, const Stage& stage);
  Status call(int rank, const graph::Window& w, const graph::Node& n);
  Status collective(const std::vector<graph::Window>& programs, const Stage& stage);
  Status take(int rank, const graph::Window& w, const graph::Node& n, std::vector<Taken>* items);
  static Status check(const Taken& taken);
  Status exchange(const Taken& taken);
  // Of what a rank sends or receives, one item.
  Result<std::string> sent_bytes(int rank, const ops::CallSignature& s, graph::StorageId id) const;
  Result<std::string> apply(const Taken& taken, size_t index) const;

  device::Device& device_;
  const graph::SignatureTable& signatures_;
  const Mesh mesh_;
  std::vector<Storages> storages_;  // by rank
  std::vector<Memory> memory_;      // by rank
  std::map<graph::SignatureId, std::unique_ptr<device::Call>> prepared_;
  uint64_t moved_bytes_ = 0, sums_ = 0;
  std::vector<uint64_t> collectives_;                              // by stage
  std::map<std::pair<int, int>, std::deque<std::string>> sent_{};  // by ranks from and to
  std::optional<uint64_t> left_out_{};
  std::vector<Stage> started_;  // where exchanges stand that nobody has waited for
};

}  // namespace moai::compiler
