#include "moai/cluster/device_kind.h"

namespace moai::cluster {

double peak_flops(const DeviceKind& device, tensor::DType dtype, bool allow_tf32) {
  switch (dtype) {
    case tensor::DType::kFloat64:
    case tensor::DType::kComplex128:
      return device.peak.fp64;
    case tensor::DType::kFloat16:
      return device.peak.fp16;
    case tensor::DType::kBFloat16:
      return device.peak.bf16;
    default:
      return allow_tf32 ? device.peak.tf32 : device.peak.fp32;
  }
}

}  // namespace moai::cluster
