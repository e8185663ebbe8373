// Seconds of one operator call on one device.
//
//   product    2MNK ÷ (peak × efficiency) × (1 + q (1/M + 1/N + 1/K), at most 16), not less than
//              its bytes take; scaled by how far the nearest measured products are from that
//   attention  FLOPs ÷ (peak × its efficiency), not less than its bytes take
//   the rest   bytes × traffic ÷ memory bandwidth
// and the time of a launch on top.
#pragma once

#include "moai/cluster/device_kind.h"
#include "moai/compiler/cost/call_work.h"

namespace moai::compiler::cost {

struct KernelOptions {
  bool allow_tf32 = false;  // for products of float32
  bool cold = false;        // their code lies beyond the processor's own cache
};

double call_seconds(const cluster::DeviceKind& device, const CallWork& work,
                    KernelOptions options = {});

// As the device's table of its operator says, where it has one (operator_times.h).
double call_seconds(const cluster::DeviceKind& device, const ops::CallSignature& s,
                    const CallWork& work, KernelOptions options = {});

// The parts, without launch and without regard to bytes.
double product_seconds(const cluster::DeviceKind& device, tensor::DType dtype, const Product& p,
                       KernelOptions options = {});
double attention_seconds(const cluster::DeviceKind& device, tensor::DType dtype, double flops,
                         KernelOptions options = {});
double memory_seconds(const cluster::DeviceKind& device, double bytes);

}  // namespace moai::compiler::cost
