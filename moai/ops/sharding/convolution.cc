// Convolutions. Channels are groups of channels; a bias is added once, so with one the channels
// that are summed are frozen. Places need their neighbours and are frozen.
#include "moai/ops/sharding/rows.h"

namespace moai::ops::sharding {
namespace {

// (input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)
std::optional<RowText> forward(const Form& form) {
  const bool has_bias = form.is_tensor(2);
  const std::string c = has_bias ? "c!" : "c+";
  const std::string weight = form.flag(6) ? "(g c) o k...!" : "(g o) c k...!";
  return RowText{"n (g " + c + ") x...!, " + weight + ", (g o), _, _, _, _, _, =g -> n (g o) y...!",
                 has_bias ? "0 2/1 2" : "0/1"};
}

// (grad, input, weight, bias_sizes, stride, padding, dilation, transposed, output_padding, groups,
// mask)
std::optional<RowText> backward(const Form& form) {
  const std::string weight = form.flag(7) ? "(g c) o k...!" : "(g o) c k...!";
  return RowText{"n+ (g o+) y...!, n (g c) x...!, " + weight +
                     ", =[(g o)], _, _, _, _, _, =g -> n (g c) x..., " + weight + ", (g o)",
                 "0"};
}

constexpr Row kRows[] = {
    {.op = "aten::convolution", .make = forward},
    {.op = "aten::convolution_backward", .make = backward},
};

}  // namespace

std::span<const Row> convolution_rows() { return kRows; }

}  // namespace moai::ops::sharding
