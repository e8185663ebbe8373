// Forms of the in-place operators that write elsewhere.
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

#define MOAI_DERIVE(name, out_name, in_place)                         \
  {"aten::" name, &Binding<&Derived<&in_place>::functional>::call}, { \
    "aten::" out_name, &Binding<&Derived<&in_place>::out>::call       \
  }

constexpr KernelRow kRows[] = {
    MOAI_DERIVE("uniform", "uniform.out", uniform_),
    MOAI_DERIVE("exponential", "exponential.out", exponential_),
    MOAI_DERIVE("cauchy", "cauchy.out", cauchy_),
    MOAI_DERIVE("log_normal", "log_normal.out", log_normal_),
    MOAI_DERIVE("geometric", "geometric.out", geometric_),
    MOAI_DERIVE("normal_functional", "normal.out", normal_),
    MOAI_DERIVE("random", "random.out", random_),
    MOAI_DERIVE("random.to", "random.to_out", random_to),
    MOAI_DERIVE("random.from", "random.from_out", random_from),
    MOAI_DERIVE("bernoulli.p", "bernoulli.float_out", bernoulli_float_),
    MOAI_DERIVE("bernoulli.Tensor", "bernoulli.Tensor_out", bernoulli_tensor_),
};

}  // namespace

std::span<const KernelRow> derived_kernels() { return kRows; }

}  // namespace moai::device
