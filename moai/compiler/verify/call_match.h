// CallMatch: how the call of a node must look on a rank, from its rule and where its tensors lie.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "moai/compiler/verify/call_tensors.h"
#include "moai/ops/sharding/indexed.h"
#include "moai/ops/share.h"

namespace moai::compiler {

// Of a call that runs along an indexed factor: which part of the table a rank has.
struct TableSplit {
  ops::IndexedForm form{};
  ops::FactorIndex factor = 0;
  size_t axis = 0;
  int64_t count = 0;  // positions of the whole table

  struct Share {
    int64_t begin = 0, length = 0;
  };
  Share share(const Lowering& in, const CallStep& step, int rank) const;
};
// Nothing where no axis splits an indexed factor.
std::optional<TableSplit> table_split(const Lowering& in, const CallStep& step);

class CallMatch {
 public:
  // All outlive it; the step is verified.
  CallMatch(const Lowering& in, const CallStep& step);

  const CallTensors& tensors() const { return tensors_; }
  const std::optional<TableSplit>& table() const { return table_; }
  // Of operand `i` the register, read or only made; kNone without elements.
  RegisterId operand(size_t i) const;
  size_t fresh_count() const { return node_.results.size(); }

  // What is wrong with the call on the rank; nothing where it is right. `begins`: in bytes, where
  // the registers of operands, then of fresh results, begin in their storages; those that are -1
  // are set to where the call has them. Pointers of a split table, and which of them is ignored,
  // are the caller's to check.
  std::string error(int rank, const ops::CallSignature& got, std::vector<int64_t>* begins);
  // What the operand looks like on the rank when its register begins at `begin` bytes.
  tensor::Geometry operand_geometry(int rank, size_t i, int64_t begin);
  // What is there of the pointers' factors and the others in a result, to mark its elements.
  tensor::Geometry flags_geometry(int rank);

 private:
  void use_rank(int rank);
  // What the rank has of a dimension.
  int64_t size_of(const std::vector<ops::FactorIndex>& dim) const;
  tensor::Geometry local(const Use& use, const ops::FactorDims& dims, const tensor::Geometry& whole,
                         RegisterId r, int64_t begin) const;
  std::string tensor_error(const std::string& name, const Use& use, const ops::FactorDims& dims,
                           const tensor::Geometry& whole, RegisterId r, bool has_dump_row,
                           const tensor::Geometry& got, int64_t* begin) const;
  std::string argument_error(const ops::Arg& wanted, const ops::Arg& got, size_t* operand,
                             std::vector<int64_t>* begins) const;
  std::string result_error(const ops::Result& wanted, const ops::Result& got, size_t* fresh,
                           std::vector<int64_t>* begins) const;
  ops::Arg stated(size_t argument) const;
  std::string share_error(const ops::CallSignature& got) const;
  // What the rank has of each part of a factor, outermost first.
  void add_digits(ops::FactorIndex f, std::vector<ops::ShareDigit>* digits) const;

  const Lowering& in_;
  const CallStep& step_;
  const ValueNode& node_;
  const NodeRule& rule_;
  const CallTensors tensors_;
  std::optional<TableSplit> table_;
  int rank_ = -1;
  std::vector<int64_t> sizes_;  // of the rule's factors, on the rank
};

}  // namespace moai::compiler
