// Calls over lists: splitting one into calls of the same operator over lists of one, and joining
// such again.
//
// "aten::_foreach_add_.List((f32[3]!, f32[2]!), (f32[3], f32[2]), word)" is two calls
// "aten::_foreach_add_.List((f32[3]!), (f32[3]), word)"; the word is of both. A tensor that holds a
// number for each item is split into its elements.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "moai/ops/call.h"

namespace moai::ops {

// Whether the operator computes every item of its lists by itself.
bool is_list_call(const CallSignature& s);

struct ListCallPart {
  CallSignature signature{};
  // For each operand, word and fresh result of the part, which it is of the whole.
  std::vector<uint32_t> operands{};
  std::vector<uint32_t> words{};
  std::vector<uint32_t> fresh{};
};
// One part an item, in order; nothing for another call, and where lists differ in length.
std::optional<std::vector<ListCallPart>> split_list_call(const CallSignature& s);

struct JoinedCall {
  struct Place {
    uint32_t part = 0;
    uint32_t index = 0;  // among the operands, words or fresh results of the part

    bool operator==(const Place&) const = default;
  };
  CallSignature signature{};
  // For each operand of the whole where it stands in the parts: in one, or in all of them. Of those
  // the caller sees to it that they are one storage, or one word.
  std::vector<std::vector<Place>> operands{};
  std::vector<std::vector<Place>> words{};
  std::vector<Place> fresh{};
};
// Nothing where the parts are not of one operator over lists of one, or differ beside their lists.
std::optional<JoinedCall> join_list_calls(std::span<const CallSignature> parts);

}  // namespace moai::ops
