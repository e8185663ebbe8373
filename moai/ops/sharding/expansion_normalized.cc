// Expansions of what is normalized over dimensions that one may want to split: softmax over a
// vocabulary, batch norm over a batch.
#include <string_view>

#include "moai/ops/sharding/expansion_builder.h"

namespace moai::ops::sharding {
namespace {

using tensor::Geometry;

bool is_wide(const Geometry& g) {
  return g.dtype == tensor::DType::kFloat32 || g.dtype == tensor::DType::kFloat64;
}

// Tensors of the same layout, so that everything between them has it, too.
bool are_alike(const Geometry& a, const Geometry& b) {
  return a.dtype == b.dtype && a.sizes == b.sizes && a.strides == b.strides;
}

Geometry with_one(const Geometry& g, const std::vector<int64_t>& dims) {
  std::vector<int64_t> sizes = g.sizes;
  for (const int64_t dim : dims) {
    sizes[static_cast<size_t>(dim < 0 ? dim + static_cast<int64_t>(sizes.size()) : dim)] = 1;
  }
  return {.dtype = g.dtype, .sizes = sizes, .strides = tensor::contiguous_strides(sizes)};
}

Value sum_of(ExpansionBuilder* b, const Value& value, const std::vector<int64_t>& dims,
             const Geometry& result) {
  return b->call("aten::sum", "dim_IntList", {value, of_ints(dims), of_bool(true), no_value()},
                 result);
}
Value difference(ExpansionBuilder* b, const Value& x, const Value& y, const Geometry& result) {
  return b->call("aten::sub", "Tensor", {x, y, of_int(1)}, result);
}
Value product(ExpansionBuilder* b, const Value& x, const Value& y, const Geometry& result) {
  return b->call("aten::mul", "Tensor", {x, y}, result);
}
Value quotient(ExpansionBuilder* b, const Value& x, double by, const Geometry& result) {
  return b->call("aten::div", "Scalar", {x, of_double(by)}, result);
}

// ---- softmax

// Whether an argument is a dimension of `g`.
bool is_dimension(const CallSignature& s, size_t argument, const Geometry& g) {
  const auto rank = static_cast<int64_t>(g.sizes.size());
  const bool is_int = argument < s.args.size() && s.args[argument].kind == ArgKind::kInt;
  return is_int && int_at(s, argument) >= -rank && int_at(s, argument) < rank;
}

// (self, dim, half_to_float)
std::optional<Expansion> softmax(const CallSignature& s, bool is_log) {
  const Geometry& g = s.results[0].geometry;
  if (!is_tensor(s, 0) || !are_alike(s.args[0].geometry, g) || !is_dimension(s, 1, g) ||
      !tensor::is_contiguous(g) || !is_wide(g)) {
    return std::nullopt;
  }
  const std::vector<int64_t> dims = {int_at(s, 1)};
  const Geometry row = with_one(g, dims);
  ExpansionBuilder b(s);
  const Value x = b.operand(0);
  const Value most = b.call("aten::amax", "", {x, of_ints(dims), of_bool(true)}, row);
  const Value below = difference(&b, x, most, g);
  const Value raised = b.call("aten::exp", "", {below}, g);
  const Value sum = sum_of(&b, raised, dims, row);
  if (!is_log) return b.finish({b.call("aten::div", "Tensor", {raised, sum}, g)});
  return b.finish({difference(&b, below, b.call("aten::log", "", {sum}, row), g)});
}

// (grad, output, dim, input_dtype)
std::optional<Expansion> softmax_backward(const CallSignature& s, bool is_log) {
  const Geometry& g = s.results[0].geometry;
  if (!is_tensor(s, 0) || !is_tensor(s, 1) || !is_dimension(s, 2, g) || !tensor::is_contiguous(g) ||
      !is_wide(g)) {
    return std::nullopt;
  }
  for (const size_t i : {0, 1}) {
    if (!are_alike(s.args[i].geometry, g)) return std::nullopt;
  }
  const std::vector<int64_t> dims = {int_at(s, 2)};
  const Geometry row = with_one(g, dims);
  ExpansionBuilder b(s);
  const Value out = b.operand(1);
  const Value grad = is_log ? b.operand(0) : product(&b, b.operand(0), out, g);
  const Value sum = sum_of(&b, grad, dims, row);
  const Value chance = is_log ? b.call("aten::exp", "", {out}, g) : out;
  return b.finish({difference(&b, grad, product(&b, chance, sum, g), g)});
}

// ---- batch norm

// What the statistics are taken over, and the layouts of a tensor and of one number a channel.
struct Channels {
  std::vector<int64_t> dims;
  Geometry whole;
  Geometry row;     // [1, c, 1, …]
  Geometry column;  // [c, 1, …], as a view of [c]
  Geometry flat;    // [c]
  double count = 0;
};

std::optional<Channels> channels_of(const Geometry& input, const Geometry& result) {
  if (!are_alike(input, result) || !is_wide(result) || result.sizes.size() < 2) return std::nullopt;
  if (result.sizes[1] < 1 || tensor::element_count(result) == 0) return std::nullopt;
  Channels c;
  c.whole = result;
  for (size_t d = 0; d < result.sizes.size(); ++d) {
    if (d != 1) c.dims.push_back(static_cast<int64_t>(d));
  }
  c.row = with_one(result, c.dims);
  c.column = c.row;
  c.column.sizes.erase(c.column.sizes.begin());
  c.column.strides.assign(c.column.sizes.size(), 1);
  c.flat = {.dtype = result.dtype, .sizes = {result.sizes[1]}, .strides = {1}};
  c.count = static_cast<double>(tensor::element_count(result) / result.sizes[1]);
  return c;
}

// A vector of a number a channel, which may be absent.
std::optional<Value> column_of(const ExpansionBuilder& b, const CallSignature& s, size_t i,
                               const Channels& c) {
  if (!is_tensor(s, i)) return std::nullopt;
  Geometry column = c.column;
  column.offset = s.args[i].geometry.offset;
  return ExpansionBuilder::viewed(b.operand(i), column);
}

bool are_flat(const CallSignature& s, std::initializer_list<size_t> arguments, const Channels& c) {
  for (const size_t i : arguments) {
    if (!is_tensor(s, i)) continue;
    Geometry g = s.args[i].geometry;
    g.offset = 0;
    if (g != c.flat) return false;
  }
  return true;
}

void move_running(ExpansionBuilder* b, const CallSignature& s, size_t i, const Value& now,
                  const Channels& c) {
  if (!is_tensor(s, i)) return;
  const Value seen = ExpansionBuilder::viewed(now, c.flat);
  b->write("aten::lerp_", "Scalar", {b->operand(i), seen, Argument{6}});
}

// (input, weight, bias, running_mean, running_var, training, momentum, eps)
std::optional<Expansion> batch_norm(const CallSignature& s) {
  if (s.args.size() != 8 || s.results.size() != 3 || !is_tensor(s, 0) || int_at(s, 5) != 1) {
    return std::nullopt;
  }
  const auto c = channels_of(s.args[0].geometry, s.results[0].geometry);
  if (!c || !are_flat(s, {1, 2, 3, 4}, *c) || (c->count < 2 && is_tensor(s, 4))) {
    return std::nullopt;
  }
  ExpansionBuilder b(s);
  const Value x = b.operand(0);
  const Value mean = quotient(&b, sum_of(&b, x, c->dims, c->row), c->count, c->row);
  const Value centered = difference(&b, x, mean, c->whole);
  const Value squares = product(&b, centered, centered, c->whole);
  const Value sum = sum_of(&b, squares, c->dims, c->row);
  const Value spread = b.call(
      "aten::add", "Scalar", {quotient(&b, sum, c->count, c->row), Argument{7}, of_int(1)}, c->row);
  const Value scale = b.call("aten::rsqrt", "", {spread}, c->row);
  Value y = product(&b, centered, scale, c->whole);
  if (const auto weight = column_of(b, s, 1, *c)) y = product(&b, y, *weight, c->whole);
  if (const auto bias = column_of(b, s, 2, *c)) {
    y = b.call("aten::add", "Tensor", {y, *bias, of_int(1)}, c->whole);
  }
  move_running(&b, s, 3, mean, *c);
  if (is_tensor(s, 4)) {
    move_running(&b, s, 4, quotient(&b, sum, c->count - 1, c->row), *c);
  }
  return b.finish({y, mean, scale});
}

// (grad, input, weight, running_mean, running_var, save_mean, save_invstd, training, eps, mask)
std::optional<Expansion> batch_norm_backward(const CallSignature& s) {
  if (s.args.size() != 10 || s.results.size() != 3 || int_at(s, 7) != 1) return std::nullopt;
  for (const size_t i : {0, 1, 5, 6}) {
    if (!is_tensor(s, i)) return std::nullopt;
  }
  const auto c = channels_of(s.args[0].geometry, s.args[1].geometry);
  if (!c || !are_flat(s, {2, 5, 6}, *c)) return std::nullopt;
  ExpansionBuilder b(s);
  const Value grad = b.operand(0), mean = *column_of(b, s, 5, *c);
  const Value scale = *column_of(b, s, 6, *c);
  const Value centered = difference(&b, b.operand(1), mean, c->whole);
  const Value normal = product(&b, centered, scale, c->whole);
  const Value of_bias = sum_of(&b, grad, c->dims, c->row);
  const Value of_weight = sum_of(&b, product(&b, grad, normal, c->whole), c->dims, c->row);
  std::vector<Value> made;
  if (s.results[0].kind == ResultKind::kFresh) {
    if (!are_alike(s.results[0].geometry, c->whole)) return std::nullopt;
    const Value common = quotient(&b, of_bias, c->count, c->row);
    const Value along = quotient(&b, of_weight, c->count, c->row);
    const Value rest = difference(&b, difference(&b, grad, common, c->whole),
                                  product(&b, normal, along, c->whole), c->whole);
    const auto weight = column_of(b, s, 2, *c);
    Geometry column = c->column;
    column.strides = tensor::contiguous_strides(column.sizes);
    const Value by = weight ? product(&b, scale, *weight, column) : scale;
    made.push_back(product(&b, rest, by, c->whole));
  }
  if (s.results[1].kind == ResultKind::kFresh) made.push_back(of_weight);
  if (s.results[2].kind == ResultKind::kFresh) made.push_back(of_bias);
  return b.finish(made);
}

}  // namespace

std::optional<Expansion> expand_softmax(const CallSignature& s) {
  const std::string_view op = s.op;
  if (s.results.size() != 1 || s.results[0].kind != ResultKind::kFresh) return std::nullopt;
  if (op == "aten::_softmax") return softmax(s, false);
  if (op == "aten::_log_softmax") return softmax(s, true);
  if (op == "aten::_softmax_backward_data") return softmax_backward(s, false);
  if (op == "aten::_log_softmax_backward_data") return softmax_backward(s, true);
  return std::nullopt;
}

std::optional<Expansion> expand_batch_norm(const CallSignature& s) {
  if (s.op == "aten::native_batch_norm") return batch_norm(s);
  if (s.op == "aten::native_batch_norm_backward") return batch_norm_backward(s);
  return std::nullopt;
}

}  // namespace moai::ops::sharding
