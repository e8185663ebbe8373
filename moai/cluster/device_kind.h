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

// How much a call is: what its seconds follow from (moai/compiler/cost/call_shape.h).
struct CallShape {
  double tensors = 0;  // operands and results
  double bytes_read = 0, bytes_written = 0;
  double flops = 0;
  double batch = 0, m = 0, n = 0, k = 0;  // of a product; n also of what goes row by row
  double runs = 0;                        // pieces that lie together, of the tensor with most
  double layout = 0;                      // a number for how operands lie

  bool operator==(const CallShape&) const = default;
};

// Measured calls of one operator on one element type, and the constants that come closest to all of
// them: seconds = call + tensor × tensors + byte × bytes + flop × FLOPs + run × runs.
struct OperatorTimes {
  struct Row {
    CallShape shape{};
    double seconds = 0;

    bool operator==(const Row&) const = default;
  };
  std::string name{};  // "aten::add.Tensor"
  tensor::DType dtype = tensor::DType::kFloat32;
  double call_s = 0, tensor_s = 0, byte_s = 0, flop_s = 0, run_s = 0;
  // More, where code and data have to come from beyond the processor's own cache; more than that,
  // where data come from beyond all caches.
  double cold_call_s = 0, cold_byte_s = 0, far_byte_s = 0;
  std::vector<Row> rows{};

  bool operator==(const OperatorTimes&) const = default;
};

struct DeviceKind {
  std::string name{};
  int64_t memory_bytes = 0;
  // Of a processor that calls run on alone; 0: not known. Steps that hold more find calls cold.
  int64_t cache_bytes = 0;
  // Its part of the one that it shares with others; 0: there is none, or it is not known.
  int64_t shared_cache_bytes = 0;
  double memory_bytes_per_s = 0;
  // It computes while its links carry bytes: exchanges may go on beside calls.
  bool overlaps_exchanges = false;
  PeakFlops peak{};
  FittedConstants fitted{};
  std::vector<GemmTime> gemm_times{};
  std::vector<OperatorTimes> operators{};

  bool operator==(const DeviceKind&) const = default;
};

// FLOP/s at which products of this type are bounded; that of fp32 for types without a unit of their
// own.
double peak_flops(const DeviceKind& device, tensor::DType dtype, bool allow_tf32 = false);

}  // namespace moai::cluster
