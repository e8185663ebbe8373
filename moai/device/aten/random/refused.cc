#include <c10/util/Exception.h>

#include "moai/device/aten/random/kernel_table.h"

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
void refuse(torch::jit::Stack&, PhiloxStream) {
  TORCH_CHECK_NOT_IMPLEMENTED(false, "[device.random] ", name.text,
                              " draws random numbers and has no kernel on MoAI's devices yet");
}

#define MOAI_REFUSE(name) {"aten::" name, &refuse<"aten::" name>}

constexpr KernelRow kRows[] = {
    MOAI_REFUSE("native_dropout.out"),
    MOAI_REFUSE("_fused_dropout.out"),
    MOAI_REFUSE("_cudnn_init_dropout_state"),
    MOAI_REFUSE("_cudnn_init_dropout_state.out"),
    MOAI_REFUSE("_fill_mem_eff_dropout_mask_"),
    MOAI_REFUSE("rand_like.out"),
    MOAI_REFUSE("rand_like.generator_out"),
    MOAI_REFUSE("randn_like.out"),
    MOAI_REFUSE("randn_like.generator_out"),
    MOAI_REFUSE("randint_like.out"),
    MOAI_REFUSE("randint_like.generator_out"),
    MOAI_REFUSE("randint_like.low_dtype_out"),
    MOAI_REFUSE("randint_like.low_generator_dtype_out"),
    MOAI_REFUSE("randint_like.Tensor"),
    MOAI_REFUSE("randint_like.Tensor_generator"),
    MOAI_REFUSE("randint_like.Tensor_out"),
    MOAI_REFUSE("randint_like.Tensor_generator_out"),
};

}  // namespace

std::span<const KernelRow> refused_kernels() { return kRows; }

}  // namespace moai::device
