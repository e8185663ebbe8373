#include "moai/device/aten/random/drawing.h"

#include <c10/util/Exception.h>

#include <map>
#include <string>

#include "moai/device/aten/random/binding.h"
#include "moai/device/aten/random/operators.h"

namespace moai::device {
namespace {

// An operator's name as a template argument, so that each refusal is a plain function.
template <size_t N>
struct Name {
  char text[N];
  constexpr Name(const char (&name)[N]) {  // NOLINT: a literal converts
    for (size_t i = 0; i < N; ++i) text[i] = name[i];
  }
};

template <Name name>
void refuse(torch::jit::Stack&, uint64_t, uint64_t) {
  TORCH_CHECK_NOT_IMPLEMENTED(false, "[device.random] ", name.text,
                              " draws random numbers and has no kernel on MoAI's devices yet");
}

using Table = std::map<std::string, DrawingKernel, std::less<>>;

#define MOAI_DRAW(name, function) {"aten::" name, &Binding<&function>::call}
#define MOAI_REFUSE(name) {"aten::" name, &refuse<"aten::" name>}

const Table& table() {
  static const Table& kernels = *new Table{
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
      MOAI_DRAW("bernoulli.p", bernoulli_p),
      MOAI_DRAW("bernoulli.out", bernoulli_out),
      MOAI_DRAW("bernoulli_.float", bernoulli_float_),
      MOAI_DRAW("bernoulli_.Tensor", bernoulli_tensor_),
      MOAI_REFUSE("poisson"),
      MOAI_REFUSE("binomial"),
      MOAI_REFUSE("_standard_gamma"),
      MOAI_REFUSE("_sample_dirichlet"),
  };
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
