#include "moai/device/aten/random/drawing.h"

#include <string>
#include <string_view>
#include <unordered_map>

#include "moai/device/aten/random/binding.h"
#include "moai/device/aten/random/kernel_table.h"
#include "moai/device/aten/random/operators.h"

namespace moai::device {
namespace {

constexpr KernelRow kRows[] = {
    bind<&uniform_>("aten::uniform_"),
    bind<&exponential_>("aten::exponential_"),
    bind<&cauchy_>("aten::cauchy_"),
    bind<&log_normal_>("aten::log_normal_"),
    bind<&geometric_>("aten::geometric_"),
    bind<&normal_>("aten::normal_"),
    bind<&normal_tensor_float>("aten::normal.Tensor_float"),
    bind<&normal_float_tensor>("aten::normal.float_Tensor"),
    bind<&normal_tensor_tensor>("aten::normal.Tensor_Tensor"),
    bind<&normal_tensor_float_out>("aten::normal.Tensor_float_out"),
    bind<&normal_float_tensor_out>("aten::normal.float_Tensor_out"),
    bind<&normal_tensor_tensor_out>("aten::normal.Tensor_Tensor_out"),
    bind<&random_>("aten::random_"),
    bind<&random_to>("aten::random_.to"),
    bind<&random_from>("aten::random_.from"),
    bind<&bernoulli>("aten::bernoulli"),
    bind<&bernoulli_p>("aten::bernoulli.p"),
    bind<&bernoulli_out>("aten::bernoulli.out"),
    bind<&bernoulli_float_>("aten::bernoulli_.float"),
    bind<&bernoulli_tensor_>("aten::bernoulli_.Tensor"),
    bind<&multinomial>("aten::multinomial"),
    bind<&multinomial_out>("aten::multinomial.out"),
    bind<&poisson>("aten::poisson"),
    bind<&binomial>("aten::binomial"),
    bind<&standard_gamma>("aten::_standard_gamma"),
    bind<&sample_dirichlet>("aten::_sample_dirichlet"),
    bind<&native_dropout>("aten::native_dropout"),
    bind<&fused_dropout>("aten::_fused_dropout"),
    bind<&rrelu_with_noise>("aten::rrelu_with_noise"),
    bind<&rrelu_with_noise_>("aten::rrelu_with_noise_"),
    bind<&rrelu_with_noise_out>("aten::rrelu_with_noise.out"),
    bind<&rrelu_with_noise_functional>("aten::rrelu_with_noise_functional"),
};

using Table = std::unordered_map<std::string_view, DrawingKernel>;

const Table& table() {
  static const Table& kernels = []() -> const Table& {
    auto& all = *new Table;
    for (const auto rows :
         {operator_kernels(), factory_kernels(), derived_kernels(), refused_kernels()}) {
      for (const KernelRow& row : rows) all.emplace(row.name, row.kernel);
    }
    return all;
  }();
  return kernels;
}

}  // namespace

std::span<const KernelRow> operator_kernels() { return kRows; }

const DrawingKernel* find_drawing_kernel(std::string_view op, std::string_view overload) {
  std::string name(op);
  if (!overload.empty()) name.append(".").append(overload);
  const auto found = table().find(name);
  return found == table().end() ? nullptr : &found->second;
}

}  // namespace moai::device
