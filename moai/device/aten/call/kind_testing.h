// The kind of device that the suites run on: "cpu", or what MOAI_TEST_DEVICE says, "cuda" or "hip".
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "moai/base/environment.h"
#include "moai/device/aten/call/tensors.h"

namespace moai::device {

inline std::string test_kind() { return environment("MOAI_TEST_DEVICE").value_or("cpu"); }
inline bool tests_accelerator() { return test_kind() != "cpu"; }
inline at::Device test_device() {
  return tests_accelerator() ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
}

// The bytes of a storage, all of them, in one of the other device.
inline c10::Storage moved_storage(const c10::Storage& from, at::Device to) {
  c10::Storage made = make_storage(from.nbytes(), to);
  if (from.nbytes() == 0) return made;
  const tensor::Geometry bytes{.dtype = tensor::DType::kUInt8,
                               .sizes = {static_cast<int64_t>(from.nbytes())},
                               .strides = {1}};
  make_tensor(bytes, made, to).copy_(make_tensor(bytes, from, from.device()));
  return made;
}

// The same as the CPU computes: bit by bit on one, else to the precision of its type, or of
// another that has less.
inline bool same_values(const at::Tensor& got, const at::Tensor& wanted,
                        at::ScalarType given = at::kDouble) {
  if (!tests_accelerator() || !(wanted.is_floating_point() || wanted.is_complex())) {
    return got.equal(wanted);
  }
  if (got.scalar_type() != wanted.scalar_type() || got.sizes() != wanted.sizes()) return false;
  const auto is_half = [](at::ScalarType type) {
    return type == at::kHalf || type == at::kBFloat16;
  };
  double error = 2e-5;
  if (wanted.scalar_type() == at::kDouble || wanted.scalar_type() == at::kComplexDouble) {
    error = 1e-12;
  }
  if (is_half(wanted.scalar_type()) || is_half(given)) error = 2e-2;
  return got.allclose(wanted, error, error, /*equal_nan=*/true);
}

}  // namespace moai::device

#define MOAI_FOR_CPU_ALONE(why) \
  if (moai::device::tests_accelerator()) GTEST_SKIP() << (why)
