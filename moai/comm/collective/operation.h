// Operation: what one rank asks of its group, as every other rank must ask it too.
//
// Its encoding (docs/formats/collective.md) goes before the first bytes of each call, so that ranks
// that ask for different things find out before anything is copied.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moai/tensor/dtype.h"
#include "moai/tensor/reduction.h"

namespace moai::comm {

enum class OperationKind : uint8_t {
  kAllReduce = 0,
  kAllGather = 1,
  kReduceScatter = 2,
  kAllToAll = 3,
  kBroadcast = 4,
  kBarrier = 5,
};

struct Operation {
  OperationKind kind = OperationKind::kBarrier;
  tensor::DType dtype = tensor::DType::kUInt8;            // of reductions
  tensor::Reduction reduction = tensor::Reduction::kSum;  // of reductions
  uint32_t root = 0;                                      // of broadcast
  uint64_t call = 0;                                      // the how-many-th of the group, from 1
  // all_reduce: elements. all_gather: bytes of each rank. reduce_scatter: elements for each rank.
  // all_to_all: bytes to each rank, then from each. broadcast: bytes.
  std::vector<uint64_t> sizes{};

  bool operator==(const Operation&) const = default;
};

// "all_reduce of 1024 f32 (sum), call 7"
std::string to_string(const Operation& operation);

std::string encode(const Operation& operation);
// Nothing when the bytes are no operation.
std::optional<Operation> decode_operation(std::string_view bytes);

// True when both may go on; all_to_all differs in its sizes, which are compared by pair.
bool agree(const Operation& a, const Operation& b);

}  // namespace moai::comm
