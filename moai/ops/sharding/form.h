// Form: a call as its rule sees it. In-place forms, forms with `out` and operators over lists of
// one are brought to their base; what they write shows in the arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moai/ops/call.h"

namespace moai::ops::sharding {

struct Form {
  std::string base;      // "aten::add" of "aten::add_" and of "aten::_foreach_add_"
  std::string overload;  // as recorded
  bool over_lists = false;
  // Of an operator over lists of one, their items.
  std::vector<const Arg*> args;
  std::vector<const Result*> results;
  std::vector<uint32_t> operands_before;  // by argument, in consumption order
  std::vector<uint32_t> words_before;
  std::span<const uint64_t> words;
  mutable std::vector<uint32_t> words_read;  // by number()

  // nullptr past the end.
  const Arg* arg(size_t i) const { return i < args.size() ? args[i] : nullptr; }
  bool is_tensor(size_t i) const;
  // Sizes of a tensor argument; none of another.
  std::span<const int64_t> sizes(size_t i) const;
  size_t rank(size_t i) const { return sizes(i).size(); }
  // An int or bool argument by value, also the only one of a list.
  std::optional<int64_t> integer(size_t i) const;
  bool flag(size_t i) const { return integer(i).value_or(0) != 0; }
  // Ints of a list or the int itself.
  std::vector<int64_t> integers(size_t i) const;
  // A dimension of tensor argument `of`, counted from the front; nothing where out of range.
  std::optional<size_t> dimension(size_t i, size_t of = 0) const;
  // A number, read from the words where it is one of them.
  std::optional<double> number(size_t i) const;
};

// Nothing for an operator over lists that are not of one each.
std::optional<Form> form_of(const CallSignature& s, std::span<const uint64_t> words);

}  // namespace moai::ops::sharding
