#include "moai/driver/rehearsal/empty_answer.h"

#include <algorithm>
#include <string_view>

#include "moai/ops/call_tensors.h"

namespace moai::driver {
namespace {

using dispatch::Value;
using ops::Arg;
using ops::ArgKind;
using ops::CallSignature;
using tensor::DType;
using tensor::Geometry;
using Values = std::vector<Value>;
using Sizes = std::vector<int64_t>;

Value tensor_of(DType dtype, Sizes sizes) {
  Value value{.kind = Value::Kind::kTensor};
  value.geometry = {.dtype = dtype, .strides = tensor::contiguous_strides(sizes)};
  value.geometry.sizes = std::move(sizes);
  return value;
}
Value none_of(DType dtype) { return tensor_of(dtype, {0}); }

const Geometry& self(const CallSignature& s) { return s.args[0].geometry; }

// Bool and uint8 tensors are masks, over as many dimensions as they have.
bool is_mask(const Arg& a) {
  return a.kind == ArgKind::kTensor &&
         (a.geometry.dtype == DType::kBool || a.geometry.dtype == DType::kUInt8);
}

// What is indexed becomes one dimension without elements: where the indices stand, or in front when
// they stand apart.
std::optional<Values> indexed(const CallSignature& s) {
  const std::vector<Arg>& indices = s.args[1].items;
  if (std::ranges::none_of(indices, is_mask)) return std::nullopt;
  Sizes before, after;
  size_t at = 0;
  bool seen = false, apart = false;
  for (const Arg& index : indices) {
    if (index.kind == ArgKind::kTensor) {
      apart |= seen && !after.empty();
      seen = true;
      at += is_mask(index) ? index.geometry.sizes.size() : 1;
    } else if (at < self(s).sizes.size()) {
      (seen ? after : before).push_back(self(s).sizes[at++]);
    }
  }
  for (; at < self(s).sizes.size(); ++at) after.push_back(self(s).sizes[at]);
  Sizes sizes = apart ? Sizes{} : before;
  sizes.push_back(0);
  if (apart) sizes.insert(sizes.end(), before.begin(), before.end());
  sizes.insert(sizes.end(), after.begin(), after.end());
  return Values{tensor_of(self(s).dtype, std::move(sizes))};
}

std::optional<Values> selected(const CallSignature& s) { return Values{none_of(self(s).dtype)}; }
std::optional<Values> places(const CallSignature& s) {
  return Values{tensor_of(DType::kInt64, {0, static_cast<int64_t>(self(s).sizes.size())})};
}
// Values, where each element is among them, and how often each is there.
std::optional<Values> unique(const CallSignature& s) {
  return Values{none_of(self(s).dtype), tensor_of(DType::kInt64, self(s).sizes),
                none_of(DType::kInt64)};
}
std::optional<Values> no(const CallSignature&) { return Values{{.kind = Value::Kind::kBool}}; }
std::optional<Values> nothing(const CallSignature&) { return Values{}; }

// As many counts as are asked for, all of them 0.
std::optional<Values> counted(const CallSignature& s) {
  const bool weighted = s.op == "aten::bincount" && s.args[1].kind == ArgKind::kTensor;
  const size_t at = s.op == "aten::bincount" ? 2 : 1;
  if (s.args.size() <= at || s.args[at].kind != ArgKind::kInt) return std::nullopt;
  const DType dtype = weighted                   ? s.args[1].geometry.dtype
                      : s.op == "aten::bincount" ? DType::kInt64
                                                 : self(s).dtype;
  return Values{tensor_of(dtype, {s.args[at].ints[0]})};
}

struct Row {
  std::string_view op;
  std::optional<Values> (*answer)(const CallSignature&);
};
constexpr Row kRows[] = {
    {"aten::masked_select", selected},
    {"aten::nonzero", places},
    {"aten::argwhere", places},
    {"aten::index", indexed},
    {"aten::_unsafe_index", indexed},
    {"aten::_unique2", unique},
    {"aten::unique_consecutive", unique},
    {"aten::bincount", counted},
    {"aten::histc", counted},
    {"aten::equal", no},
    {"aten::allclose", no},
    {"aten::is_nonzero", no},
    {"aten::_linalg_check_errors", nothing},
};

}  // namespace

std::optional<Values> empty_answer(const CallSignature& s) {
  for (const Row& row : kRows) {
    if (row.op == s.op && !s.args.empty() && s.overload.find("out") == std::string::npos) {
      return row.answer(s);
    }
  }
  return std::nullopt;
}

}  // namespace moai::driver
