// DeviceKind: what one kind of device can do: what its data sheet prints, at most six constants
// that are fitted or measured, and, where there was a device to measure, a table of products.
//
// A plain struct, so that a measurement on this machine makes one as a file does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moai/tensor/dtype.h"

namespace moai::cluster {

// FLOP/s of dense products. `tf32` is that of float32 products where the user allows TF32.
struct PeakFlops {
  double fp64 = 0;
  double fp32 = 0;
  double tf32 = 0;
  double fp16 = 0;
  double bf16 = 0;

  bool operator==(const PeakFlops&) const = default;
};

struct FittedConstants {
  double gemm_efficiency = 0.7;       // part of the peak that large products reach
  double gemm_ramp = 256;             // q of a product's time: × (1 + q (1/M + 1/N + 1/K))
  double elementwise_traffic = 1;     // bytes moved ÷ bytes that operands and results have
  double attention_efficiency = 0.5;  // part of the peak that fused attention reaches
  double launch_s = 7e-6;             // least time of a call
  double overlap_slowdown = 1;        // of computation while the links are busy

  bool operator==(const FittedConstants&) const = default;
};

// A measured product of `batch` times [m,k]·[k,n].
struct GemmTime {
  tensor::DType dtype = tensor::DType::kFloat32;
  int64_t batch = 1;
  int64_t m = 1;
  int64_t n = 1;
  int64_t k = 1;
  double seconds = 0;

  bool operator==(const GemmTime&) const = default;
};

struct DeviceKind {
  std::string name{};
  int64_t memory_bytes = 0;
  double memory_bytes_per_s = 0;
  PeakFlops peak{};
  FittedConstants fitted{};
  std::vector<GemmTime> gemm_times{};

  bool operator==(const DeviceKind&) const = default;
};

// FLOP/s at which products of this type are bounded; that of fp32 for types without a unit of their
// own.
double peak_flops(const DeviceKind& device, tensor::DType dtype, bool allow_tf32 = false);

}  // namespace moai::cluster
