// NcclStep: one call of NCCL's on device memory; several go in one launch.
//
// A collective of ours becomes steps by sizes that all ranks know alike, so that all make the same
// ones: shares of one size take NCCL's own collective, others a broadcast or a reduction from or to
// each rank. What is moved without being added travels as bytes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "moai/comm/collective/nccl/abi.h"
#include "moai/tensor/dtype.h"
#include "moai/tensor/reduction.h"

namespace moai::comm {

struct NcclStep {
  enum class Kind { kAllReduce, kReduce, kReduceScatter, kAllGather, kBroadcast, kSend, kReceive };
  Kind kind = Kind::kAllReduce;
  const void* in = nullptr;
  void* out = nullptr;
  size_t count = 0;  // as NCCL counts it for this call
  nccl::Type type = nccl::kUint8;
  nccl::Op op = nccl::kSum;
  int peer = 0;  // root, or whom a message goes to or comes from
};
using NcclSteps = std::vector<NcclStep>;

// Whether it can, with the same meaning: sums and products of the types that it has, sums of
// complex numbers, greatest and least of integers. Its greatest of floating point may lose a NaN.
bool nccl_reduces(tensor::DType dtype, tensor::Reduction reduction);

// Each adds what a collective of the group takes, as of Group: sizes by rank, in and out alike.
// Where a reduction is named nccl_reduces() holds.
void add_all_reduce(NcclSteps* steps, void* data, size_t count, tensor::DType dtype,
                    tensor::Reduction reduction);
void add_all_gather(NcclSteps* steps, size_t rank, const void* mine, std::span<const size_t> bytes,
                    void* out);
void add_reduce_scatter(NcclSteps* steps, size_t rank, const void* in,
                        std::span<const size_t> counts, void* out, tensor::DType dtype,
                        tensor::Reduction reduction);
void add_all_to_all(NcclSteps* steps, const void* in, std::span<const size_t> to, void* out,
                    std::span<const size_t> from);
// `data` is what the root has, and becomes what the others have.
void add_broadcast(NcclSteps* steps, void* data, size_t bytes, int root);

}  // namespace moai::comm
