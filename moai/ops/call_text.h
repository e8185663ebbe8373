// Text of a call together with its storages and words, as windows and programs print it:
//   s9 = aten::add.Tensor(f32[2,3] s7, f32[2,3] s8, word 1.0) -> f32[2,3]
//
// docs/formats/call.md has the grammar.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moai/ops/call.h"

namespace moai::ops {

// What a call of a signature takes, in consumption order. Views; nothing is owned.
struct CallValues {
  std::span<const uint64_t> storages;  // operands, then fresh results
  std::span<const uint64_t> words;     // may be left out
  char sigil = 's';                    // stands before a storage: 's', or '%' for a slot
};

// Values that are missing are left out of the text, so any counts are safe.
std::string to_string(const CallSignature& s, const CallValues& values);

struct BoundCall {
  CallSignature signature;
  std::vector<uint64_t> storages;
  std::vector<uint64_t> words;
};
// Reads what to_string wrote with all values and sigil 's'; nothing when the text is no such call.
std::optional<BoundCall> bound_call_from_string(std::string_view text);

}  // namespace moai::ops
