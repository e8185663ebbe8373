#include "moai/device/aten/foreach/foreach_plan.h"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace moai::device {
namespace {

using loops::Kind;
using ops::Arg;
using ops::ArgKind;
using tensor::DType;
using tensor::Geometry;
using Scalar = ForeachPlan::Scalar;

// Arguments: `lists` lists of tensors, then the scalar.
struct Row {
  std::string_view op;  // without the "_" of its in-place variant
  std::string_view overload;
  Kind kind;
  uint32_t lists;
  Scalar scalar;
};

constexpr Row kRows[] = {
    {"aten::_foreach_add", "Scalar", Kind::kAdd, 1, Scalar::kAll},
    {"aten::_foreach_add", "ScalarList", Kind::kAdd, 1, Scalar::kEach},
    {"aten::_foreach_add", "List", Kind::kAddScaled, 2, Scalar::kAll},
    {"aten::_foreach_sub", "Scalar", Kind::kSubtract, 1, Scalar::kAll},
    {"aten::_foreach_sub", "ScalarList", Kind::kSubtract, 1, Scalar::kEach},
    {"aten::_foreach_sub", "List", Kind::kSubtractScaled, 2, Scalar::kAll},
    {"aten::_foreach_mul", "Scalar", Kind::kMultiply, 1, Scalar::kAll},
    {"aten::_foreach_mul", "ScalarList", Kind::kMultiply, 1, Scalar::kEach},
    {"aten::_foreach_mul", "List", Kind::kMultiplyBy, 2, Scalar::kNone},
    {"aten::_foreach_mul", "Tensor", Kind::kMultiply, 1, Scalar::kTensor},
    {"aten::_foreach_div", "Scalar", Kind::kDivide, 1, Scalar::kAll},
    {"aten::_foreach_div", "ScalarList", Kind::kDivide, 1, Scalar::kEach},
    {"aten::_foreach_div", "List", Kind::kDivideBy, 2, Scalar::kNone},
    {"aten::_foreach_div", "Tensor", Kind::kDivide, 1, Scalar::kTensor},
    {"aten::_foreach_lerp", "Scalar", Kind::kLerp, 2, Scalar::kAll},
    {"aten::_foreach_addcmul", "Scalar", Kind::kAddProduct, 3, Scalar::kAll},
    {"aten::_foreach_addcmul", "ScalarList", Kind::kAddProduct, 3, Scalar::kEach},
    {"aten::_foreach_addcdiv", "Scalar", Kind::kAddQuotient, 3, Scalar::kAll},
    {"aten::_foreach_addcdiv", "ScalarList", Kind::kAddQuotient, 3, Scalar::kEach},
};

const Row* row_of(const ops::CallSignature& s, bool in_place) {
  const std::string_view op = std::string_view(s.op).substr(0, s.op.size() - in_place);
  for (const Row& row : kRows) {
    if (row.op == op && row.overload == s.overload) return &row;
  }
  return nullptr;
}

// No gaps and no element twice, in whatever order of dimensions.
bool is_dense(const Geometry& g) {
  std::vector<size_t> order(g.sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t x, size_t y) {
    return std::pair(g.strides[x], g.sizes[x]) < std::pair(g.strides[y], g.sizes[y]);
  });
  int64_t expected = 1;
  for (const size_t dim : order) {
    if (g.sizes[dim] == 1) continue;
    if (g.strides[dim] != expected) return false;
    expected *= g.sizes[dim];
  }
  return true;
}

class Planner {
 public:
  explicit Planner(const ops::CallSignature& signature) : s_(signature) {}

  bool plan() {
    plan_.in_place = s_.op.ends_with('_');
    const Row* row = row_of(s_, plan_.in_place);
    if (!row || s_.args.size() != row->lists + (row->scalar != Scalar::kNone)) return false;
    plan_.kind = row->kind;
    plan_.lists = row->lists;
    plan_.scalar = row->scalar;
    return lists() && scalar() && results();
  }
  ForeachPlan& result() { return plan_; }

 private:
  bool lists() {
    const std::vector<Arg>& first = s_.args[0].items;
    if (s_.args[0].kind != ArgKind::kList || first.empty()) return false;
    plan_.length = static_cast<uint32_t>(first.size());
    plan_.dtype = first[0].geometry.dtype;
    if (plan_.dtype != DType::kFloat32 && plan_.dtype != DType::kFloat64) return false;
    for (uint32_t l = 0; l < plan_.lists; ++l) {
      const Arg& list = s_.args[l];
      if (list.kind != ArgKind::kList || list.items.size() != first.size()) return false;
      for (size_t i = 0; i < first.size(); ++i) {
        const Geometry& like = first[i].geometry;
        const Geometry& g = list.items[i].geometry;
        if (g.sizes != like.sizes || g.strides != like.strides || !is_dense(g)) return false;
        if (!tensor(list.items[i], l == 0 && plan_.in_place)) return false;
      }
    }
    return true;
  }

  bool tensor(const Arg& arg, bool written) {
    const Geometry& g = arg.geometry;
    if (arg.kind != ArgKind::kTensor || arg.written != written) return false;
    if (g.dtype != plan_.dtype || g.flags) return false;
    const uint64_t item = plan_.dtype == DType::kFloat32 ? 4 : 8;
    plan_.tensors.push_back({tensor::element_count(g), static_cast<uint64_t>(g.offset) * item,
                             static_cast<uint64_t>(tensor::storage_bytes(g))});
    return true;
  }

  bool word(const Arg& arg) {
    plan_.integers.push_back(arg.kind == ArgKind::kIntWord);
    return arg.kind == ArgKind::kIntWord || arg.kind == ArgKind::kDoubleWord;
  }

  bool scalar() {
    if (plan_.scalar == Scalar::kNone) return true;
    const Arg& arg = s_.args[plan_.lists];
    if (plan_.scalar == Scalar::kAll) return word(arg);
    if (plan_.scalar == Scalar::kTensor) return arg.geometry.sizes.empty() && tensor(arg, false);
    if (arg.kind != ArgKind::kList || arg.items.size() != plan_.length) return false;
    return std::all_of(arg.items.begin(), arg.items.end(), [&](const Arg& a) { return word(a); });
  }

  bool results() {
    if (plan_.in_place) return s_.results.empty();
    if (s_.results.size() != 1 || s_.results[0].items.size() != plan_.length) return false;
    for (size_t i = 0; i < plan_.length; ++i) {
      const ops::Result& result = s_.results[0].items[i];
      Geometry expected = s_.args[0].items[i].geometry;
      expected.offset = 0;
      if (result.kind != ops::ResultKind::kFresh || result.geometry != expected) return false;
      plan_.fresh_bytes.push_back(static_cast<uint64_t>(tensor::storage_bytes(expected)));
    }
    return true;
  }

  const ops::CallSignature& s_;
  ForeachPlan plan_;
};

}  // namespace

std::optional<ForeachPlan> plan_foreach(const ops::CallSignature& signature) {
  if (!signature.op.starts_with("aten::_foreach_")) return std::nullopt;
  Planner planner(signature);
  if (!planner.plan()) return std::nullopt;
  return std::move(planner.result());
}

}  // namespace moai::device
