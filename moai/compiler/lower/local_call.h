// LocalCalls: what one rank calls for the steps of a program, wherever its tensors lie.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "moai/compiler/lower/indexed_call.h"
#include "moai/compiler/lower/local_layout.h"
#include "moai/compiler/lower/lower_rank.h"
#include "moai/ops/share.h"

namespace moai::compiler {

// Where a register lies: its element 0, in elements.
struct LocalPlace {
  graph::StorageId storage = 0;
  int64_t begin = 0;
};

class LocalCalls {
 public:
  // Asked for every tensor of a call that has elements, in order.
  using PlaceOf = std::function<LocalPlace(RegisterId)>;

  LocalCalls(const Lowering& in, int rank)
      : in_(in), graph_(*in.graph), program_(*in.program), rank_(rank) {}

  // The call of a step, as if along no table.
  LocalCall call(const CallStep& step, const PlaceOf& place) const;
  // The part of a table that the rank has in this call, if it runs along one.
  std::optional<TablePart> table_part(const CallStep& step) const;
  // That call along it (indexed_call.h): the storages that it needs in between.
  std::vector<graph::StorageId> along_table(const CallStep& step, TablePart part, LocalCall call,
                                            const IndexedCall::Emit& emit,
                                            const IndexedCall::MakeStorage& make) const;
  // Slices and masks, which no other rank takes part in.
  LocalCall slice(const MoveStep& m, LocalPlace from, graph::StorageId to) const;
  LocalCall mask(const MoveStep& m, LocalPlace from, graph::StorageId to) const;

  SegmentId segment(RegisterId r) const {
    return graph_.values[program_.registers[r].value].segment;
  }
  LocalLayout layout(RegisterId r) const {
    return {graph_, *in_.factors, program_.mesh, segment(r), program_.registers[r].placement,
            rank_};
  }
  tensor::DType dtype(RegisterId r) const { return graph_.segments[segment(r)].dtype; }
  uint64_t part_bytes(RegisterId r) const {
    return static_cast<uint64_t>(layout(r).count()) * tensor::dtype_size(dtype(r));
  }
  tensor::Geometry flat(RegisterId r, int64_t begin) const;
  // Elements in front of, at, and inside the factor at `place`.
  tensor::Geometry around(RegisterId r, uint32_t place, int64_t begin) const;

 private:
  void localize(const CallStep& step, const Use& use, const ops::FactorDims& dims, RegisterId r,
                const PlaceOf& place, std::vector<graph::StorageId>* ids,
                tensor::Geometry* g) const;
  void fit(const CallStep& step, const Use& use, const ops::FactorDims& dims,
           tensor::Geometry* g) const;
  void set_sizes(const CallStep& step, ops::CallSignature* s) const;
  void set_share(const CallStep& step, ops::CallSignature* s) const;
  void add_digits(const CallStep& step, const NodeRule& rule, ops::FactorIndex f,
                  std::vector<ops::ShareDigit>* digits) const;
  int64_t local_size(const CallStep& step, const NodeRule& rule, ops::FactorIndex f) const;

  const Lowering& in_;
  const ValueGraph& graph_;
  const SpmdProgram& program_;
  const int rank_;
};

// A call of an operator's default overload that makes, or writes, one tensor.
LocalCall made_up_call(std::string_view op, std::vector<ops::Arg> args,
                       std::vector<ops::Result> results, std::vector<graph::StorageId> ids);

// Elements of these sizes, densely, from `begin` on.
tensor::Geometry dense_geometry(tensor::DType dtype, std::vector<int64_t> sizes, int64_t begin = 0);

}  // namespace moai::compiler
