// Rows of the table of drawing kernels, one table for each family.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "moai/device/aten/random/drawing.h"

namespace moai::device {

struct KernelRow {
  std::string_view name;  // "aten::random_.from"
  DrawingKernel kernel;
  std::string (*signature)() = nullptr;  // what the schema must be; null where refused
};

// Operators that draw into tensors they are given, and layers.
std::span<const KernelRow> operator_kernels();

// Operators that make their result themselves: rand, randint_like, randperm …
std::span<const KernelRow> factory_kernels();

// The functional and out forms of operators that draw in place.
std::span<const KernelRow> derived_kernels();

// Operators that draw and are refused.
std::span<const KernelRow> refused_kernels();

}  // namespace moai::device
