// StepRun: which steps of a program the calls of the lowered windows carry out.
//
// Calls and moves are carried out in the order of their steps. Calls over lists may run later than
// what follows them and several at once, sums over ranks likewise; what each tensor of a call holds
// at that moment decides whether that is right.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>

#include "moai/base/status.h"
#include "moai/compiler/verify/lowered_calls.h"
#include "moai/compiler/verify/pointer_probes.h"
#include "moai/compiler/verify/storage_contents.h"

namespace moai::compiler {

// Where a register lies between windows.
StorageContents::Place home_place(const Lowering& in, RegisterId r);
// Puts it there; false where a rank has no room for its part.
bool put_register(const Lowering& in, RegisterId r, StorageContents::Place place,
                  StorageContents* contents);
// For each rank the first one that has as large a share of every factor.
std::vector<size_t> share_classes(const Lowering& in);

class StepRun {
 public:
  // All outlive it; the program is verified.
  StepRun(const Lowering& in, std::span<const graph::Window> ranks,
          const graph::SignatureTable& signatures, StorageContents* contents);

  // The call at position `node`, which all ranks make with the same storages.
  Status call(size_t node);
  // After the last: whether every step was carried out.
  Status finish() const;

 private:
  // One node of the graph, run by a call or as one item of it.
  struct Part {
    size_t step = 0;
    std::unique_ptr<CallMatch> match{};
    std::vector<graph::StorageId> ids{};
    std::vector<int64_t> begins{};
    std::vector<uint32_t> words{};  // of the call
  };
  using SignatureOf = const ops::CallSignature& (*)(const LoweredCall&, size_t item);

  Status wrong(const std::string& what, size_t step = kNone) const;
  const graph::Node& node(size_t rank) const { return ranks_[rank].nodes[at_]; }
  // Whether the rank makes the same call as one of equal shares that was looked at.
  bool is_alike(size_t rank) const;
  const CallStep& call_step(size_t step) const {
    return std::get<CallStep>(in_.program->steps[step]);
  }

  Status one_call(size_t step);
  Status list_call();
  std::string reads_error(Part* part) const;
  std::string ranks_error(Part* part, size_t item, SignatureOf signature_of) const;
  std::string words_error(const Part& part, size_t rank) const;
  Status apply(const Part& part);
  Status put(RegisterId r, StorageContents::Place place, size_t step);

  // One item of a call that moves values, or all of it.
  struct Moved {
    size_t step = 0;
    std::optional<StorageContents::Place> from{};
    graph::StorageId to = 0;  // 0: nothing is made
  };

  Status all_reduce();
  Status moves();
  Result<Moved> move(size_t step, size_t item);
  ops::CallSignature wanted_move(const MoveStep& m, size_t rank, int64_t begin) const;
  Status settle();
  std::string border_error(size_t step);
  std::string leave_region();
  std::string region_error(RegisterId made) const;
  bool is_border(size_t step) const;
  Status pointer_call(size_t step);
  std::string table_error(const Part& part) const;
  Status zero_outside();

  const Lowering& in_;
  const std::span<const graph::Window> ranks_;
  StorageContents& contents_;
  LoweredCalls decoded_;
  const std::vector<size_t> class_;  // by rank
  std::vector<size_t> in_order_, lists_;
  size_t next_in_order_ = 0, next_list_ = 0;
  std::unordered_map<RegisterId, size_t> sums_;  // by the register that is summed

  // Of the call that is looked at.
  size_t at_ = 0;
  std::span<const graph::StorageId> ids_;
  std::vector<const LoweredCall*> calls_;  // by rank

  // Of a call along a split table.
  std::unique_ptr<CallMatch> table_match_;
  std::optional<PointerProbes> probes_;
  RegisterId unzeroed_ = kNone;  // holds what was read outside the table

  std::vector<uint32_t> newest_;  // by segment: the last version that was made
  // Of a region that may be skipped: what was made since it began, and what was there when it did.
  struct Region {
    std::vector<RegisterId> made{};
    std::vector<uint32_t> newest{};
    std::map<std::pair<graph::StorageId, int64_t>, RegisterId> before{};
  };
  std::optional<Region> region_;
};

}  // namespace moai::compiler
