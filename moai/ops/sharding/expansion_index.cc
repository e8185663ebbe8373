// Expansions of look-ups: positions that are a piece of a tensor (`ids[:, :-1]`) show no dimension
// of it that ranks could share; a copy of the piece does.
#include "moai/ops/sharding/expansion_builder.h"

namespace moai::ops::sharding {

// (weight, indices, …), (grad, indices, …)
std::optional<Expansion> expand_lookup(const CallSignature& s) {
  if (s.op != "aten::embedding" && s.op != "aten::embedding_dense_backward") return std::nullopt;
  if (!is_tensor(s, 1) || s.results.size() != 1) return std::nullopt;
  const tensor::Geometry& piece = s.args[1].geometry;
  const tensor::Geometry whole = contiguous(piece);
  if (piece.strides == whole.strides) return std::nullopt;
  ExpansionBuilder b(s);
  constexpr int64_t kContiguous = 0;
  const Value copy = b.call("aten::clone", "", {b.operand(1), of_int(kContiguous)}, whole);
  std::vector<Input> inputs;
  for (size_t i = 0; i < s.args.size(); ++i) inputs.emplace_back(Argument{i});
  inputs[1] = copy;
  return b.finish({b.call(s.op, s.overload, inputs, s.results[0].geometry)});
}

}  // namespace moai::ops::sharding
