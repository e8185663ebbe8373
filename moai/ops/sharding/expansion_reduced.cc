// Expansions of means, of losses that are means, and of products that something is added to.
#include <algorithm>
#include <string_view>

#include "moai/ops/sharding/expansion_builder.h"

namespace moai::ops::sharding {
namespace {

using tensor::DType;
using tensor::Geometry;

constexpr int64_t kMean = 1, kSum = 2;

bool is_plain(const CallSignature& s) {
  const std::vector<bool> written = written_operands(s);
  return std::ranges::find(written, true) == written.end() && !s.results.empty() &&
         std::ranges::all_of(s.results,
                             [](const Result& r) { return r.kind == ResultKind::kFresh; });
}

// Arguments from `first` on as they stand, with the sum as the reduction.
std::vector<Input> summing(const CallSignature& s, size_t reduction, size_t first = 0) {
  std::vector<Input> inputs;
  for (size_t i = first; i < s.args.size(); ++i) {
    if (i == reduction) {
      inputs.emplace_back(of_int(kSum));
    } else {
      inputs.emplace_back(Argument{i});
    }
  }
  return inputs;
}

double count_of(const Geometry& g) { return static_cast<double>(tensor::element_count(g)); }

// A loss of (self, target, …) whose tensors are not broadcast.
bool is_mean_of(const CallSignature& s, size_t self, size_t reduction) {
  return int_at(s, reduction) == kMean && is_tensor(s, self) && is_tensor(s, self + 1) &&
         s.args[self].geometry.sizes == s.args[self + 1].geometry.sizes &&
         !is_half(s.args[self].geometry.dtype);
}

std::optional<Expansion> loss(const CallSignature& s, size_t reduction) {
  if (!is_mean_of(s, 0, reduction)) return std::nullopt;
  ExpansionBuilder b(s);
  const Geometry& result = s.results[0].geometry;
  const Value sum = b.call(s.op, s.overload, summing(s, reduction), result);
  return b.finish(
      {b.call("aten::div", "Scalar", {sum, of_double(count_of(s.args[0].geometry))}, result)});
}

// (grad, self, target, …)
std::optional<Expansion> loss_backward(const CallSignature& s, size_t reduction) {
  if (!is_mean_of(s, 1, reduction) || !is_tensor(s, 0)) return std::nullopt;
  ExpansionBuilder b(s);
  const Value share =
      b.call("aten::div", "Scalar", {b.operand(0), of_double(count_of(s.args[1].geometry))},
             contiguous(s.args[0].geometry));
  std::vector<Input> inputs = summing(s, reduction, 1);
  inputs.insert(inputs.begin(), share);
  return b.finish({b.call(s.op, s.overload, inputs, s.results[0].geometry)});
}

// (self, target, weight, reduction, ignore_index) -> loss, total_weight
std::optional<Expansion> nll(const CallSignature& s) {
  if (int_at(s, 3) != kMean || s.results.size() != 2) return std::nullopt;
  const Geometry &loss = s.results[0].geometry, &weight = s.results[1].geometry;
  ExpansionBuilder b(s);
  const auto sums = b.calls(s.op, s.overload, summing(s, 3), {loss, weight});
  return b.finish({b.call("aten::div", "Tensor", {sums[0], sums[1]}, loss), sums[1]});
}

// (self, a, b, beta, alpha): self * beta + (a b) * alpha
std::optional<Expansion> added(const CallSignature& s, const char* product) {
  if (s.args.size() != 5 || !is_tensor(s, 0) || !s.overload.empty()) return std::nullopt;
  const Geometry& self = s.args[0].geometry;
  if (self.strides != contiguous(self).strides) return std::nullopt;
  const Geometry& result = s.results[0].geometry;
  ExpansionBuilder b(s);
  const Value made = b.call(product, "", {Argument{1}, Argument{2}}, result);
  const Value scaled = b.call("aten::mul", "Scalar", {b.operand(0), Argument{3}}, contiguous(self));
  return b.finish({b.call("aten::add", "Tensor", {scaled, made, Argument{4}}, result)});
}

// The bias as [o, 1, …], which costs nothing.
std::optional<Expansion> convolution(const CallSignature& s) {
  const Geometry& result = s.results[0].geometry;
  if (!is_tensor(s, 2) || s.args[2].geometry.sizes.size() != 1 || result.sizes.size() < 2) {
    return std::nullopt;
  }
  ExpansionBuilder b(s);
  std::vector<Input> inputs;
  for (size_t i = 0; i < s.args.size(); ++i) inputs.emplace_back(Argument{i});
  inputs[2] = no_value();
  const Value made = b.call(s.op, s.overload, inputs, result);
  Geometry column = s.args[2].geometry;
  column.sizes.resize(result.sizes.size() - 1, 1);
  column.strides.resize(result.sizes.size() - 1, 1);
  const Value bias = ExpansionBuilder::viewed(b.operand(2), column);
  return b.finish({b.call("aten::add", "Tensor", {made, bias, of_int(1)}, result)});
}

}  // namespace

// Halves are summed in single precision, as the mean does.
std::optional<Expansion> expand_mean(const CallSignature& s) {
  if (s.op != "aten::mean" || !is_plain(s) || !is_tensor(s, 0)) return std::nullopt;
  const Geometry& result = s.results[0].geometry;
  const double in = count_of(s.args[0].geometry), out = count_of(result);
  if (in <= 0 || out <= 0) return std::nullopt;
  Geometry wide = result;
  if (is_half(result.dtype)) wide.dtype = DType::kFloat32;
  ExpansionBuilder b(s);
  std::vector<Input> inputs = {Argument{0}};
  if (!s.overload.empty()) inputs.insert(inputs.end(), {Argument{1}, Argument{2}});
  inputs.emplace_back(of_int(static_cast<int64_t>(wide.dtype)));
  const Value sum = b.call("aten::sum", s.overload.empty() ? "" : "dim_IntList", inputs, wide);
  const Value mean = b.call("aten::div", "Scalar", {sum, of_double(in / out)}, wide);
  if (wide == result) return b.finish({mean});
  return b.finish({b.call("aten::_to_copy", "",
                          {mean, of_int(static_cast<int64_t>(result.dtype)), no_value(), no_value(),
                           no_value(), of_bool(false), no_value()},
                          result)});
}

std::optional<Expansion> expand_loss(const CallSignature& s) {
  const std::string_view op = s.op;
  if (!is_plain(s)) return std::nullopt;
  if (op == "aten::nll_loss_forward" || op == "aten::nll_loss2d_forward") return nll(s);
  if (op == "aten::binary_cross_entropy") return loss(s, 3);
  if (op == "aten::binary_cross_entropy_with_logits") return loss(s, 4);
  if (op == "aten::binary_cross_entropy_backward") return loss_backward(s, 4);
  for (const std::string_view name :
       {"aten::mse_loss", "aten::smooth_l1_loss", "aten::huber_loss"}) {
    if (op == name) return loss(s, 2);
    if (op.starts_with(name) && op.substr(name.size()) == "_backward") return loss_backward(s, 3);
  }
  return std::nullopt;
}

std::optional<Expansion> expand_sum_of_product(const CallSignature& s) {
  const std::string_view op = s.op;
  if (!is_plain(s)) return std::nullopt;
  if (op == "aten::addmm") return added(s, "aten::mm");
  if (op == "aten::addmv") return added(s, "aten::mv");
  if (op == "aten::baddbmm") return added(s, "aten::bmm");
  if (op == "aten::convolution") return convolution(s);
  return std::nullopt;
}

}  // namespace moai::ops::sharding
