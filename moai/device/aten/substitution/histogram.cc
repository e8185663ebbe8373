#include <ATen/ops/histc.h>

#include "moai/device/aten/substitution/stack_arguments.h"
#include "moai/device/aten/substitution/substitution.h"

namespace moai::device {
namespace {

// The kernel of CUDA counts whole numbers too.
bool counts_whole_numbers(const ops::CallSignature& signature) {
  return !signature.args.empty() && signature.args[0].geometry.dtype <= tensor::DType::kInt64;
}

// (self, bins, min, max)
void histc(torch::jit::Stack& stack) {
  const at::Tensor self = tensor_at(stack, 0);
  const at::Tensor counts = at::histc(self.to(at::kDouble), stack.at(1).toInt(),
                                      stack.at(2).toScalar(), stack.at(3).toScalar());
  finish(stack, counts.to(self.scalar_type()));
}

constexpr SubstitutionRow kRows[] = {{"aten::histc", histc, counts_whole_numbers}};

}  // namespace

std::span<const SubstitutionRow> histogram_substitutions() { return kRows; }

}  // namespace moai::device
