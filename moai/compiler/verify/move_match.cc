#include "moai/compiler/verify/move_match.h"

#include <algorithm>

#include "moai/compiler/verify/rank_part.h"
#include "moai/ops/call_build.h"

namespace moai::compiler {
namespace {

using tensor::Geometry;

class MoveCall {
 public:
  MoveCall(const Lowering& in, const MoveStep& m, int rank, int64_t begin)
      : in_(in), m_(m), rank_(rank), begin_(begin), from_(in, m.from, rank), to_(in, m.to, rank) {}

  ops::CallSignature call() const {
    const uint32_t axis = m_.axis;
    const AxisPlacement& left = in_.program->registers[m_.from].placement[axis];
    const AxisPlacement& taken = in_.program->registers[m_.to].placement[axis];
    switch (m_.kind) {
      case MoveKind::kSlice:
        return slice(taken.place);
      case MoveKind::kMask:
        return mask(taken.reduction);
      case MoveKind::kAllGather:
        return made("moai::all_gather",
                    {ops::of_tensor(around(from_, left.place, begin_)), ops::of_int(1),
                     ops::of_ints(shares(left.place)), ops::of_int(axis)},
                    around(to_, left.place, 0));
      case MoveKind::kReduceScatter:
        return made("moai::reduce_scatter",
                    {ops::of_tensor(around(from_, taken.place, begin_)), ops::of_int(1),
                     ops::of_ints(shares(taken.place)),
                     ops::of_text(tensor::reduction_name(left.reduction)), ops::of_int(axis)},
                    around(to_, taken.place, 0));
      case MoveKind::kAllToAll:
        return all_to_all(left.place, taken.place);
      case MoveKind::kAllReduce:
        break;  // in place, as one of a list
      case MoveKind::kTransfer:
      case MoveKind::kBroadcast:
      case MoveKind::kKeep:
      case MoveKind::kSend:
      case MoveKind::kReceive:
        break;  // stage_moves.h
    }
    return {};
  }

 private:
  static ops::CallSignature made(std::string op, std::vector<ops::Arg> args, Geometry result) {
    return {.op = std::move(op),
            .overload = "",
            .args = std::move(args),
            .results = {ops::of_fresh(std::move(result))}};
  }
  tensor::DType dtype() const {
    return in_.graph->segments[in_.graph->values[in_.program->registers[m_.from].value].segment]
        .dtype;
  }
  Geometry dense(std::vector<int64_t> sizes, int64_t begin) const {
    Geometry g{.dtype = dtype(), .sizes = std::move(sizes)};
    g.strides = tensor::contiguous_strides(g.sizes);
    g.offset = begin / static_cast<int64_t>(tensor::dtype_size(g.dtype));
    return g;
  }
  Geometry around(const RankPart& part, uint32_t place, int64_t begin) const {
    return dense({part.outer(place), part.share(place).size, part.inner(place)}, begin);
  }
  std::vector<int64_t> shares(uint32_t place) const {
    const int k = in_.program->mesh.axes[m_.axis].size;
    std::vector<int64_t> all;
    for (int i = 0; i < k; ++i) all.push_back(share_size(from_.share(place).whole, k, i));
    return all;
  }

  ops::CallSignature slice(uint32_t place) const {
    Geometry g = around(from_, place, begin_);
    const RankPart::Share& share = to_.share(place);
    g.sizes[1] = share.size;
    g.offset += share.begin * g.strides[1];
    return made("aten::clone", {ops::of_tensor(g), {}}, around(to_, place, 0));
  }

  // One rank of the group keeps the value; all do where that is their reduction.
  ops::CallSignature mask(ops::Reduction reduction) const {
    const bool keeps =
        in_.program->mesh.coordinate(rank_, m_.axis) == 0 || tensor::is_idempotent(reduction);
    std::vector<ops::Arg> args(keeps ? 2 : 6);
    args[0] = ops::of_tensor(dense({from_.count()}, begin_));
    return made(keeps ? "aten::clone" : "aten::zeros_like", std::move(args),
                dense({from_.count()}, 0));
  }

  ops::CallSignature all_to_all(uint32_t left, uint32_t taken) const {
    const uint32_t first = std::min(left, taken), second = std::max(left, taken);
    const auto five = [&](const RankPart& part) {
      const int64_t between = part.outer(second) / (part.outer(first) * part.share(first).size);
      return std::vector<int64_t>{part.outer(first), part.share(first).size, between,
                                  part.share(second).size, part.inner(second)};
    };
    const int left_dim = left < taken ? 1 : 3;
    return made("moai::all_to_all",
                {ops::of_tensor(dense(five(from_), begin_)), ops::of_int(left_dim),
                 ops::of_ints(shares(left)), ops::of_int(4 - left_dim), ops::of_ints(shares(taken)),
                 ops::of_int(m_.axis)},
                dense(five(to_), 0));
  }

  const Lowering& in_;
  const MoveStep& m_;
  const int rank_;
  const int64_t begin_;
  const RankPart from_, to_;
};

}  // namespace

ops::CallSignature move_call(const Lowering& in, const MoveStep& m, int rank, int64_t begin) {
  return MoveCall(in, m, rank, begin).call();
}

Geometry flat_geometry(const Lowering& in, RegisterId r, int rank, int64_t begin) {
  const Segment& s = in.graph->segments[in.graph->values[in.program->registers[r].value].segment];
  return {.dtype = s.dtype,
          .sizes = {RankPart(in, r, rank).count()},
          .strides = {1},
          .offset = begin / static_cast<int64_t>(tensor::dtype_size(s.dtype))};
}

}  // namespace moai::compiler
