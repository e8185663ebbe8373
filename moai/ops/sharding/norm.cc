// Normalizations. What statistics are taken over is frozen; gradients of gain and shift are partial
// over the rest.
#include "moai/ops/sharding/rows.h"
#include "moai/ops/sharding/terms_text.h"

namespace moai::ops::sharding {
namespace {

struct Layer {
  std::string whole{}, inner{}, statistics{};
};

// Of `axes` last dimensions, by the argument that lists their sizes.
Layer layer(const Form& form, size_t shape, const std::string& batch) {
  const size_t axes = form.integers(shape).size();
  DimTexts inner = numbered("d", axes);
  for (std::string& dim : inner) dim += "!";
  Layer all{.inner = spelled(inner)};
  all.whole = batch + (axes ? " " + all.inner : "");
  all.statistics = spelled(DimTexts(axes, "1"));
  all.statistics = axes ? "b... " + all.statistics : "b...";
  return all;
}

// (input, shape, weight, bias, eps)
std::optional<RowText> layer_norm(const Form& form) {
  const Layer l = layer(form, 1, "b...");
  return RowText{l.whole + ", _, " + l.inner + ", " + l.inner + " -> " + l.whole + ", " +
                     l.statistics + ", " + l.statistics,
                 ""};
}

// (grad, input, shape, mean, rstd, weight, bias, mask)
std::optional<RowText> layer_norm_backward(const Form& form) {
  const Layer l = layer(form, 2, "b...+");
  return RowText{l.whole + ", " + l.whole + ", _, " + l.statistics + ", " + l.statistics + ", " +
                     l.inner + ", " + l.inner + " -> " + l.whole + ", " + l.inner + ", " + l.inner,
                 "0"};
}

// (input, shape, weight, eps)
std::optional<RowText> rms_norm(const Form& form) {
  const Layer l = layer(form, 1, "b...");
  return RowText{l.whole + ", _, " + l.inner + " -> " + l.whole + ", " + l.statistics, ""};
}

// (grad, input, shape, rstd, weight, mask)
std::optional<RowText> rms_norm_backward(const Form& form) {
  const Layer l = layer(form, 2, "b...+");
  return RowText{l.whole + ", " + l.whole + ", _, " + l.statistics + ", " + l.inner + " -> " +
                     l.whole + ", " + l.inner,
                 "0"};
}

// Norms over all dimensions but one.
std::string all_but(size_t rank, std::optional<size_t> dim) {
  DimTexts dims = numbered("d", rank);
  for (size_t d = 0; d < rank; ++d) dims[d] += d == dim ? "" : "!";
  return spelled(dims);
}

// (self, p, dim, maxnorm)
std::optional<RowText> renorm(const Form& form) {
  const auto dim = form.dimension(2);
  const std::string self = all_but(form.rank(0), dim);
  return dim ? std::optional(RowText{self + " -> " + self, ""}) : std::nullopt;
}

// (v, g, dim) -> w, norms
std::optional<RowText> weight_norm(const Form& form) {
  const auto dim = form.dimension(2);
  if (!dim) return std::nullopt;
  const std::string v = all_but(form.rank(0), dim);
  DimTexts one(form.rank(0), "1");
  one[*dim] = "d" + std::to_string(*dim);
  const std::string g = spelled(one);
  return RowText{v + ", " + g + " -> " + v + ", " + g, ""};
}

// (grad, v, g, norms, dim) -> gradients of v and g
std::optional<RowText> weight_norm_backward(const Form& form) {
  const auto dim = form.dimension(4);
  if (!dim) return std::nullopt;
  const std::string v = all_but(form.rank(0), dim);
  DimTexts one(form.rank(0), "1");
  one[*dim] = "d" + std::to_string(*dim);
  const std::string g = spelled(one);
  return RowText{v + ", " + v + ", " + g + ", " + g + " -> " + v + ", " + g, "0"};
}

// (input, weight, bias, running_mean, running_var, training, …); the last results are of a device.
std::optional<RowText> batch_norm(const Form& form) {
  const bool trains = form.flag(5);
  const std::string input = trains ? "n! c x...!" : "n c x...";
  return RowText{input + ", c, c, c, c -> n c x..., c, c, ?", ""};
}
// (input, weight, bias, training, …), without what is running
std::optional<RowText> batch_norm_no_stats(const Form& form) {
  const std::string input = form.flag(3) ? "n! c x...!" : "n c x...";
  return RowText{input + ", c, c -> n c x..., c, c", ""};
}
// (input, weight, bias, running_mean, running_var, …)
std::optional<RowText> batch_norm_always(const Form&) {
  return RowText{"n! c x...!, c, c, c, c -> n c x..., c, c, ?", ""};
}
std::optional<RowText> batch_norm_never(const Form&) {
  return RowText{"n c x..., c, c, c, c -> n c x..., c, c, ?", ""};
}

// (grad, input, weight, running_mean, running_var, save_mean, save_invstd, training, eps, mask)
std::optional<RowText> batch_norm_backward(const Form& form) {
  const std::string input = form.flag(7) ? "n! c x...!" : "n+ c x...+";
  return RowText{input + ", n c x..., c, c, c, c, c -> n c x..., c, c", "0"};
}

constexpr Row kRows[] = {
    {.op = "aten::_batch_norm_no_update", .make = batch_norm_never},
    {.op = "aten::_batch_norm_with_update", .make = batch_norm_always},
    {.op = "aten::_fused_rms_norm", .make = rms_norm},
    {.op = "aten::_fused_rms_norm_backward", .make = rms_norm_backward},
    {.op = "aten::_native_batch_norm_legit", .make = batch_norm},
    {.op = "aten::_native_batch_norm_legit.no_stats", .make = batch_norm_no_stats},
    {"aten::_sample_dirichlet", "b... n! -> b... n!"},
    {.op = "aten::_weight_norm_interface", .make = weight_norm},
    {.op = "aten::_weight_norm_interface_backward", .make = weight_norm_backward},
    {.op = "aten::renorm", .make = renorm},
    {.op = "aten::native_batch_norm", .make = batch_norm},
    {.op = "aten::native_batch_norm_backward", .make = batch_norm_backward},
    {"aten::native_group_norm",
     "n (g c!) x...!, (g c), (g c), =n, =(g c), _, =g -> n (g c) x..., n g, n g"},
    {"aten::native_group_norm_backward",
     "n+ (g c!) x...!, n (g c) x..., n g, n g, (g c), =n, =(g c), _, =g -> n (g c) x..., (g c), "
     "(g c)",
     "0"},
    {.op = "aten::native_layer_norm", .make = layer_norm},
    {.op = "aten::native_layer_norm_backward", .make = layer_norm_backward},
};

}  // namespace

std::span<const Row> norm_rows() { return kRows; }

}  // namespace moai::ops::sharding
