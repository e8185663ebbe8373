// Results: what the kernels left on the stack becomes buffers.
#pragma once

#include <ATen/core/stack.h>

#include <optional>
#include <span>
#include <vector>

#include "moai/base/status.h"
#include "moai/device/aten/call/arguments.h"
#include "moai/device/device.h"
#include "moai/ops/call.h"

namespace moai::device {

class Results {
 public:
  Results(std::vector<ops::Result> predicted, c10::Device device);

  // Takes the results off the stack into buffers of the predicted geometries. A kernel's own
  // storage is adopted where it lies like that. May throw.
  Status bind(torch::jit::Stack* stack, std::span<BufferPtr> fresh) const;

 private:
  struct Tensor {  // in consumption order
    size_t result = 0;
    std::optional<size_t> item;
    bool auxiliary = false;
    tensor::Geometry geometry;
    size_t size_bytes = 0;
  };
  void add(const ops::Result& result, size_t index, std::optional<size_t> item);
  Status bind_one(const Tensor& predicted, at::Tensor made, BufferPtr* out) const;

  c10::Device device_;
  size_t count_;
  std::vector<Tensor> tensors_;
};

// The results on the stack as they are. UNIMPLEMENTED for a value that is no DynamicValue. May
// throw.
Result<std::vector<DynamicValue>> dynamic_results(torch::jit::Stack* stack,
                                                  const Arguments& arguments, c10::Device device);

}  // namespace moai::device
