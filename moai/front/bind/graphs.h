// moai._C.CapturedGraph, below torch.cuda.CUDAGraph, and steps that the device skips by itself.
#pragma once

#include <torch/csrc/utils/pybind.h>

namespace moai::front {

void bind_graphs(pybind11::module_& m);
void bind_skipping(pybind11::module_& m);

}  // namespace moai::front
