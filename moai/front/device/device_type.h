// DeviceKind: which of torch's device types this device is.
//
// CUDA where torch has none of its own; else PrivateUse1, which torch is told to call `moai`. One
// binary serves both: it is chosen once, before anything is registered, and everything in this room
// asks here.
#pragma once

#include <ATen/core/TensorBase.h>
#include <c10/core/DeviceType.h>
#include <c10/core/DispatchKey.h>

#include <string_view>

namespace moai::front {

struct DeviceKind {
  c10::DeviceType type = c10::DeviceType::CUDA;
  c10::DispatchKey dense = c10::DispatchKey::CUDA;
  c10::DispatchKey sparse = c10::DispatchKey::SparseCUDA;
  c10::DispatchKey sparse_csr = c10::DispatchKey::SparseCsrCUDA;
  c10::DispatchKey quantized = c10::DispatchKey::QuantizedCUDA;
  c10::DispatchKey nested = c10::DispatchKey::NestedTensorCUDA;
  const char* name = "cuda";   // in device strings
  const char* title = "CUDA";  // in messages
};

inline constexpr DeviceKind kCudaKind{};
inline constexpr DeviceKind kPrivateKind{.type = c10::DeviceType::PrivateUse1,
                                         .dense = c10::DispatchKey::PrivateUse1,
                                         .sparse = c10::DispatchKey::SparsePrivateUse1,
                                         .sparse_csr = c10::DispatchKey::SparseCsrPrivateUse1,
                                         .quantized = c10::DispatchKey::QuantizedPrivateUse1,
                                         .nested = c10::DispatchKey::NestedTensorPrivateUse1,
                                         .name = "moai",
                                         .title = "MoAI"};

// Written by choose_device_kind() alone.
inline constinit DeviceKind g_device_kind;

// By its name, "cuda" or "moai". Before the first tensor of the device; not thread-safe.
void choose_device_kind(std::string_view name);

inline const DeviceKind& device_kind() { return g_device_kind; }
inline c10::DeviceType device_type() { return device_kind().type; }
inline bool on_device(const at::TensorBase& t) {
  return t.defined() && t.device().type() == device_type();
}

}  // namespace moai::front
