// Forms of operators that write elsewhere.
#include <ATen/native/Resize.h>
#include <ATen/ops/empty_like.h>

#include "moai/device/aten/random/binding.h"
#include "moai/device/aten/random/kernel_table.h"
#include "moai/device/aten/random/operators.h"

namespace moai::device {
namespace {

template <auto InPlace>
struct Derived;

template <typename... Arguments, Tensor (*InPlace)(PhiloxStream, Tensor, Arguments...)>
struct Derived<InPlace> {
  static Tensor functional(PhiloxStream stream, Tensor self, Arguments... arguments) {
    return InPlace(stream, at::empty_like(self), std::move(arguments)...);
  }

  static Tensor out(PhiloxStream stream, Tensor self, Arguments... arguments, Tensor out) {
    const Tensor drawn = functional(stream, std::move(self), std::move(arguments)...);
    at::native::resize_output(out, drawn.sizes());
    return out.copy_(drawn);
  }
};

// The out form of an operator that makes its result.
template <auto Make>
struct Into;

template <typename... Arguments, Tensor (*Make)(PhiloxStream, Arguments...)>
struct Into<Make> {
  static Tensor out(PhiloxStream stream, Arguments... arguments, Tensor out) {
    const Tensor drawn = Make(stream, std::move(arguments)...);
    at::native::resize_output(out, drawn.sizes());
    return out.copy_(drawn);
  }
};

constexpr KernelRow kRows[] = {
    bind<&Derived<&uniform_>::functional>("aten::uniform"),
    bind<&Derived<&uniform_>::out>("aten::uniform.out"),
    bind<&Derived<&exponential_>::functional>("aten::exponential"),
    bind<&Derived<&exponential_>::out>("aten::exponential.out"),
    bind<&Derived<&cauchy_>::functional>("aten::cauchy"),
    bind<&Derived<&cauchy_>::out>("aten::cauchy.out"),
    bind<&Derived<&log_normal_>::functional>("aten::log_normal"),
    bind<&Derived<&log_normal_>::out>("aten::log_normal.out"),
    bind<&Derived<&geometric_>::functional>("aten::geometric"),
    bind<&Derived<&geometric_>::out>("aten::geometric.out"),
    bind<&Derived<&normal_>::functional>("aten::normal_functional"),
    bind<&Derived<&normal_>::out>("aten::normal.out"),
    bind<&Derived<&random_>::functional>("aten::random"),
    bind<&Derived<&random_>::out>("aten::random.out"),
    bind<&Derived<&random_to>::functional>("aten::random.to"),
    bind<&Derived<&random_to>::out>("aten::random.to_out"),
    bind<&Derived<&random_from>::functional>("aten::random.from"),
    bind<&Derived<&random_from>::out>("aten::random.from_out"),
    bind<&Derived<&bernoulli_float_>::out>("aten::bernoulli.float_out"),
    bind<&Derived<&bernoulli_tensor_>::functional>("aten::bernoulli.Tensor"),
    bind<&Derived<&bernoulli_tensor_>::out>("aten::bernoulli.Tensor_out"),
    bind<&Into<&poisson>::out>("aten::poisson.out"),
    bind<&Into<&binomial>::out>("aten::binomial.out"),
    bind<&Into<&standard_gamma>::out>("aten::_standard_gamma.out"),
    bind<&Into<&sample_dirichlet>::out>("aten::_sample_dirichlet.out"),
};

}  // namespace

std::span<const KernelRow> derived_kernels() { return kRows; }

}  // namespace moai::device
