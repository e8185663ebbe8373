// Losses. `reduction` is 0 for none, 1 for the mean, 2 for the sum. A mean divides by the size of
// its part, so it is frozen; expansion.h has the sum in its place.
#include "moai/ops/sharding/rows.h"

namespace moai::ops::sharding {
namespace {

constexpr int64_t kNone = 0, kMean = 1, kSum = 2;

// Of (self, target, …): a value for each element.
std::optional<RowText> elementwise(const Form& form, size_t reduction, const char* weight) {
  const std::string args = std::string("...") + weight;
  switch (form.integer(reduction).value_or(-1)) {
    case kNone:
      return RowText{args + " -> ...", ""};
    case kMean:
      return RowText{"...!" + args.substr(3) + " -> .", ""};
    case kSum:
      return RowText{"...+" + args.substr(3) + " -> .", ""};
    default:
      return std::nullopt;
  }
}

// Of (grad, self, target, …), with a gradient for each element or one of all.
std::optional<RowText> elementwise_backward(const Form& form, size_t reduction,
                                            const char* weight) {
  const bool is_mean = form.integer(reduction).value_or(kMean) == kMean;
  return RowText{std::string(is_mean ? "...!" : "...") + ", ..., ..." + weight + " -> ...", "0"};
}

std::optional<RowText> plain(const Form& form) { return elementwise(form, 2, ", ..."); }
std::optional<RowText> weighted(const Form& form) { return elementwise(form, 3, ", ..., ..."); }
// (self, target, weight, pos_weight, reduction)
std::optional<RowText> twice_weighted(const Form& form) {
  return elementwise(form, 4, ", ..., ..., ...");
}
std::optional<RowText> plain_backward(const Form& form) {
  return elementwise_backward(form, 3, "");
}
std::optional<RowText> weighted_backward(const Form& form) {
  return elementwise_backward(form, 4, ", ...");
}

// (self [n, c, …] or [c], target, weight, reduction, ignore_index); classes are a table that
// targets point at.
std::optional<RowText> nll_forward(const Form& form) {
  const bool has_batch = form.rank(0) > 1;
  switch (has_batch ? form.integer(3).value_or(kMean) : kMean) {
    case kNone:
      return RowText{"n c@ x..., n x..., c -> n x..., .", ""};
    case kSum:
      return RowText{"n+ c@ x...+, n x..., c -> ., .", ""};
    default:
      return RowText{"?, ?, ? -> ., .", ""};
  }
}

// (grad, self, target, weight, reduction, ignore_index, total_weight); the last is of the whole.
std::optional<RowText> nll_backward(const Form& form) {
  if (form.rank(1) == 1) return RowText{"?, ?, ?, ?, _, _, ? -> ?", "0"};
  const std::string grad = form.rank(0) == 0 ? "." : "n x...";
  return RowText{grad + ", n c@ x..., n x..., c, _, _, . -> n c x...", "0"};
}

constexpr Row kRows[] = {
    {.op = "aten::binary_cross_entropy", .make = weighted},
    {.op = "aten::binary_cross_entropy_backward", .make = weighted_backward},
    {.op = "aten::binary_cross_entropy_with_logits", .make = twice_weighted},
    {.op = "aten::huber_loss", .make = plain},
    {.op = "aten::huber_loss_backward", .make = plain_backward},
    {.op = "aten::mse_loss", .make = plain},
    {.op = "aten::mse_loss_backward", .make = plain_backward},
    {.op = "aten::nll_loss2d_backward", .make = nll_backward},
    {.op = "aten::nll_loss2d_forward", .make = nll_forward},
    {.op = "aten::nll_loss_backward", .make = nll_backward},
    {.op = "aten::nll_loss_forward", .make = nll_forward},
    {.op = "aten::smooth_l1_loss", .make = plain},
    {.op = "aten::smooth_l1_loss_backward", .make = plain_backward},
};

}  // namespace

std::span<const Row> loss_rows() { return kRows; }

}  // namespace moai::ops::sharding
