#include "moai/device/aten/random/drawing.h"

#include <string>
#include <string_view>
#include <unordered_map>

#include "moai/device/aten/random/binding.h"
#include "moai/device/aten/random/kernel_table.h"
#include "moai/device/aten/random/operators.h"

namespace moai::device {
namespace {

#define MOAI_DRAW(name, function) {"aten::" name, &Binding<&function>::call}

constexpr KernelRow kRows[] = {
    MOAI_DRAW("uniform_", uniform_),
    MOAI_DRAW("exponential_", exponential_),
    MOAI_DRAW("cauchy_", cauchy_),
    MOAI_DRAW("log_normal_", log_normal_),
    MOAI_DRAW("geometric_", geometric_),
    MOAI_DRAW("normal_", normal_),
    MOAI_DRAW("normal.Tensor_float", normal_tensor_float),
    MOAI_DRAW("normal.float_Tensor", normal_float_tensor),
    MOAI_DRAW("normal.Tensor_Tensor", normal_tensor_tensor),
    MOAI_DRAW("normal.Tensor_float_out", normal_tensor_float_out),
    MOAI_DRAW("normal.float_Tensor_out", normal_float_tensor_out),
    MOAI_DRAW("normal.Tensor_Tensor_out", normal_tensor_tensor_out),
    MOAI_DRAW("random_", random_),
    MOAI_DRAW("random_.to", random_to),
    MOAI_DRAW("random_.from", random_from),
    MOAI_DRAW("bernoulli", bernoulli),
    MOAI_DRAW("bernoulli.out", bernoulli_out),
    MOAI_DRAW("bernoulli_.float", bernoulli_float_),
    MOAI_DRAW("bernoulli_.Tensor", bernoulli_tensor_),
    MOAI_DRAW("multinomial", multinomial),
    MOAI_DRAW("multinomial.out", multinomial_out),
    MOAI_DRAW("native_dropout", native_dropout),
    MOAI_DRAW("_fused_dropout", fused_dropout),
    MOAI_DRAW("rrelu_with_noise", rrelu_with_noise),
    MOAI_DRAW("rrelu_with_noise_", rrelu_with_noise_),
    MOAI_DRAW("rrelu_with_noise.out", rrelu_with_noise_out),
    MOAI_DRAW("rrelu_with_noise_functional", rrelu_with_noise_functional),
};

using Table = std::unordered_map<std::string_view, DrawingKernel>;

const Table& table() {
  static const Table& kernels = []() -> const Table& {
    auto& all = *new Table;
    for (const auto rows : {std::span<const KernelRow>(kRows), factory_kernels(), derived_kernels(),
                            refused_kernels()}) {
      for (const KernelRow& row : rows) all.emplace(row.name, row.kernel);
    }
    return all;
  }();
  return kernels;
}

}  // namespace

const DrawingKernel* find_drawing_kernel(std::string_view op, std::string_view overload) {
  std::string name(op);
  if (!overload.empty()) name.append(".").append(overload);
  const auto found = table().find(name);
  return found == table().end() ? nullptr : &found->second;
}

}  // namespace moai::device
