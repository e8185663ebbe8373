// SoftwareProfile: how another training stack executes a transformer, from what its authors printed
// and at most two fitted constants. For `moai plan --profile NAME`; never how our own jobs are
// priced.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "moai/base/status.h"
#include "moai/compiler/cost/overlap.h"

namespace moai::compiler::cost {

enum class AttentionKernel : uint8_t { kUnfused = 0, kFused = 1 };
enum class DataParallel : uint8_t { kAllReduce = 0, kDistributedOptimizer = 1, kFullySharded = 2 };

struct SoftwareProfile {
  std::string name{};
  std::string cluster{};  // a file of clusters/, without its ending
  AttentionKernel attention = AttentionKernel::kUnfused;
  TensorOverlap tensor_overlap = TensorOverlap::kNone;
  DataParallel data_parallel = DataParallel::kAllReduce;
  bool data_overlap = false;   // gradients are reduced beside the computation
  double gradient_bytes = 2;   // of each that is reduced
  double optimizer_bytes = 0;  // moved for each parameter of a rank in a step
  double logit_bytes = 0;      // moved for each logit, forward and backward
  // Fitted.
  double gemm_efficiency = 0;
  double traffic = 0;

  bool operator==(const SoftwareProfile&) const = default;
};

inline Overlap overlap_of(const SoftwareProfile& p) {
  return {.tensor = p.tensor_overlap, .data = p.data_overlap};
}

// `path` is for errors.
Result<SoftwareProfile> profile_from_toml(std::string_view text, const std::string& path);
Result<SoftwareProfile> read_profile(const std::string& path);

}  // namespace moai::compiler::cost
