#include "moai/ops/sharding/counted_loss.h"

#include "moai/ops/sharding/expansion_builder.h"

namespace moai::ops {
namespace {

using sharding::Argument;
using sharding::ExpansionBuilder;
using sharding::Input;
using sharding::Value;
using tensor::DType;
using tensor::Geometry;

constexpr size_t kSelf = 0, kTarget = 1, kWeight = 2, kReduction = 3, kIgnored = 4;
constexpr int64_t kMean = 1, kSum = 2;

bool is_mean(const CallSignature& s) {
  return (s.op == "aten::nll_loss_forward" || s.op == "aten::nll_loss2d_forward") &&
         s.overload.empty() && s.args.size() == 5 && s.results.size() == 2 &&
         s.results[0].kind == ResultKind::kFresh && s.results[1].kind == ResultKind::kFresh &&
         sharding::int_at(s, kReduction) == kMean && sharding::is_tensor(s, kSelf) &&
         sharding::is_tensor(s, kTarget) && s.args[kSelf].geometry.sizes.size() > 1 &&
         !sharding::is_half(s.results[1].geometry.dtype);
}

Geometry flags(const Geometry& of) {
  Geometry g = sharding::contiguous(of);
  g.dtype = DType::kBool;
  return g;
}

// Targets that are ignored point at the first class, and weigh nothing.
Value weights_of_targets(const CallSignature& s, ExpansionBuilder* b) {
  const Geometry& target = s.args[kTarget].geometry;
  const Geometry& classes = s.args[kWeight].geometry;
  const Value ignored =
      b->call("aten::eq", "Scalar", {b->operand(kTarget), Argument{kIgnored}}, flags(target));
  const Value at = b->call("aten::masked_fill", "Scalar", {b->operand(kTarget), ignored, of_int(0)},
                           sharding::contiguous(target));
  Geometry table = classes;
  table.sizes.push_back(1);
  table.strides.push_back(1);
  Geometry rows = sharding::contiguous(target);
  rows.dtype = classes.dtype;
  rows.sizes.push_back(1);
  rows.strides.push_back(1);
  const Value found = b->call("aten::embedding", "",
                              {ExpansionBuilder::viewed(b->operand(kWeight), table), at, of_int(-1),
                               of_bool(false), of_bool(false)},
                              rows);
  rows.sizes.pop_back();
  rows.strides.pop_back();
  return b->call("aten::masked_fill", "Scalar",
                 {ExpansionBuilder::viewed(found, rows), ignored, of_int(0)}, rows);
}

}  // namespace

std::optional<Expansion> counted_loss(const CallSignature& s) {
  if (!is_mean(s)) return std::nullopt;
  const Geometry &loss = s.results[0].geometry, &weight = s.results[1].geometry;
  ExpansionBuilder b(s);
  const Value counted = sharding::is_tensor(s, kWeight)
                            ? weights_of_targets(s, &b)
                            : b.call("aten::ne", "Scalar", {b.operand(kTarget), Argument{kIgnored}},
                                     flags(s.args[kTarget].geometry));
  const Value total =
      b.call("aten::sum", "", {counted, of_int(static_cast<int64_t>(weight.dtype))}, weight);
  std::vector<Input> inputs;
  for (size_t i = 0; i < s.args.size(); ++i) inputs.emplace_back(Argument{i});
  inputs[kReduction] = of_int(kSum);
  const auto sums = b.calls(s.op, s.overload, inputs, {loss, weight});
  return b.finish({b.call("aten::div", "Tensor", {sums[0], total}, loss), total});
}

}  // namespace moai::ops
