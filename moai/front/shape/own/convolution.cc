// Convolution. Results are channels last where an operand suggests it, as every back end makes
// them.
#include <algorithm>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::IntArrayRef;
using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

struct Window {
  IntArrayRef stride, padding, dilation, output_padding;
  bool transposed = false;
  int64_t groups = 1;
};

bool last(c10::MemoryFormat format) {
  return format == c10::MemoryFormat::ChannelsLast || format == c10::MemoryFormat::ChannelsLast3d;
}

c10::MemoryFormat format_of(const Tensor& input, const Tensor& weight) {
  const auto by_input = input.suggest_memory_format();
  return last(by_input) ? by_input : weight.suggest_memory_format();
}

// A list of one item stands for all dimensions.
int64_t at_dim(IntArrayRef list, int64_t dim) {
  return list.size() == 1 ? list[0] : list[static_cast<size_t>(dim)];
}

bool all_at_least(IntArrayRef list, int64_t least) {
  return std::all_of(list.begin(), list.end(), [&](int64_t v) { return v >= least; });
}

void check_window(const Window& w) {
  TORCH_CHECK(all_at_least(w.padding, 0), "negative padding is not supported");
  TORCH_CHECK(all_at_least(w.output_padding, 0), "negative output_padding is not supported");
  TORCH_CHECK(all_at_least(w.stride, 1), "non-positive stride is not supported");
  TORCH_CHECK(all_at_least(w.dilation, 0), "dilation should be greater than zero");
  TORCH_CHECK(all_at_least(w.dilation, 1), "dilation should be greater than zero, but got ",
              w.dilation);
}

void check_bias(const OptionalTensor& bias, const Tensor& weight, const Window& w) {
  if (!bias || !bias->defined()) return;
  const int64_t channels = w.transposed ? weight.size(1) * w.groups : weight.size(0);
  TORCH_CHECK(bias->dim() == 1 && bias->size(0) == channels, "Given ",
              w.transposed ? "transposed=1, " : "", "weight of size ", weight.sizes(),
              ", expected bias to be 1-dimensional with ", channels,
              " elements, but got bias of size ", bias->sizes(), " instead");
}

void check_channels(const Tensor& input, const Tensor& weight, const Window& w) {
  TORCH_CHECK(weight.dim() == input.dim(), "Expected ", weight.dim(), "-dimensional input for ",
              weight.dim(), "-dimensional weight ", weight.sizes(), ", but got ", input.dim(),
              "-dimensional input of size ", input.sizes(), " instead");
  TORCH_CHECK(weight.size(0) >= w.groups, "Given groups=", w.groups,
              ", expected weight to be at least ", w.groups,
              " at dimension 0, but got weight of size ", weight.sizes(), " instead");
  TORCH_CHECK(weight.size(0) % w.groups == 0, "Given groups=", w.groups,
              ", expected weight to be divisible by ", w.groups,
              " at dimension 0, but got weight of size [", weight.sizes(), "] instead");
  const int64_t channels = w.transposed ? weight.size(0) : weight.size(1) * w.groups;
  TORCH_CHECK(input.size(1) == channels, "Given ",
              w.transposed ? c10::str("transposed=1") : c10::str("groups=", w.groups),
              ", weight of size ", weight.sizes(), ", expected input", input.sizes(), " to have ",
              channels, " channels, but got ", input.size(1), " channels instead");
}

void check_types(const Tensor& input, const Tensor& parameter, const char* name) {
  TORCH_CHECK(input.scalar_type() == parameter.scalar_type(), "Input type (", input.toString(),
              ") and ", name, " type (", parameter.toString(), ") should be the same");
}

// Every dimension of space has room for the kernel.
void check_kernel(const Tensor& input, const Tensor& weight, const Window& w) {
  if (w.transposed) return;
  std::vector<int64_t> padded, kernel;
  bool fits = true;
  for (int64_t d = 0; d < weight.dim() - 2; ++d) {
    padded.push_back(input.size(d + 2) + 2 * at_dim(w.padding, d));
    kernel.push_back(at_dim(w.dilation, d) * (weight.size(d + 2) - 1) + 1);
    fits &= padded.back() >= kernel.back();
  }
  const auto joined = [](const std::vector<int64_t>& sizes) {
    std::string text;
    for (const int64_t size : sizes) text += (text.empty() ? "" : " x ") + std::to_string(size);
    return text;
  };
  TORCH_CHECK(fits, "Calculated padded input size per channel: (", joined(padded),
              "). Kernel size: (", joined(kernel),
              "). Kernel size can't be greater than actual input size");
}

std::vector<int64_t> output_sizes(const Tensor& input, const Tensor& weight, const Window& w) {
  std::vector<int64_t> sizes = {input.size(0),
                                w.transposed ? weight.size(1) * w.groups : weight.size(0)};
  for (int64_t d = 0; d < input.dim() - 2; ++d) {
    const int64_t reach = at_dim(w.dilation, d) * (weight.size(d + 2) - 1);
    const int64_t padding = 2 * at_dim(w.padding, d), stride = at_dim(w.stride, d);
    const int64_t in = input.size(d + 2);
    sizes.push_back(w.transposed
                        ? (in - 1) * stride - padding + reach + at_dim(w.output_padding, d) + 1
                        : (in + padding - reach - 1) / stride + 1);
  }
  return sizes;
}

Tensor convolution(const Tensor& input, const Tensor& weight, const OptionalTensor& bias,
                   IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation, bool transposed,
                   IntArrayRef output_padding, int64_t groups) {
  const Window w{stride, padding, dilation, output_padding, transposed, groups};
  TORCH_CHECK(groups > 0, "non-positive groups is not supported");
  check_types(input, weight, "weight");
  if (bias && bias->defined()) check_types(input, *bias, "bias");
  check_window(w);
  check_channels(input, weight, w);
  check_bias(bias, weight, w);
  check_kernel(input, weight, w);
  return fresh(output_sizes(input, weight, w), input.scalar_type(), format_of(input, weight));
}

// Double precision has no back end of its own: an operand that already lies in the format, if only
// because its dimensions are one, lends its strides.
Tensor gradient_of(const Tensor& t, c10::MemoryFormat format) {
  if (t.scalar_type() == at::kDouble && t.is_contiguous(format)) return like(t);
  return fresh(t.sizes(), t.scalar_type(), format);
}

std::tuple<Tensor, Tensor, Tensor> convolution_backward(const Tensor&, const Tensor& input,
                                                        const Tensor& weight,
                                                        at::OptionalIntArrayRef, IntArrayRef,
                                                        IntArrayRef, IntArrayRef, bool transposed,
                                                        IntArrayRef, int64_t groups,
                                                        std::array<bool, 3> mask) {
  const auto format = format_of(input, weight);
  const int64_t channels = transposed ? weight.size(1) * groups : weight.size(0);
  return {mask[0] ? gradient_of(input, format) : Tensor(),
          mask[1] ? gradient_of(weight, format) : Tensor(),
          mask[2] ? fresh({channels}, input.scalar_type()) : Tensor()};
}

const Row kRows[] = {
    ours<op::convolution>(convolution),
    ours<op::convolution_backward>(convolution_backward),
};

}  // namespace

std::span<const Row> convolution_rows() { return kRows; }

}  // namespace moai::front::shape
