// Expansion: a call in terms of calls that can be split where it cannot.
//
// A mean is a sum and a division by the count of the whole; "bias + a b" a product and a sum, of
// which the product may be partial; a loss that is a mean likewise; softmax over a vocabulary and
// batch norm over a batch are what they are made of; what is looked up by a piece of a tensor is
// looked up by a copy of it. Last bits may change. Which calls are worth it
// is the caller's to say: an expanded call is more calls, and keeps more.
//
//   aten::mean.dim(f32[8,3], [0], false, none) -> f32[3]
// is
//   aten::sum.dim_IntList(f32[8,3] %0, [0], false, none) -> f32[3] %1
//   aten::div.Scalar(f32[3] %1, 8) -> f32[3]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moai/ops/call.h"

namespace moai::ops {

struct Expansion {
  // An operand: one of the call, or a fresh result of an earlier step, counted over the steps.
  struct Source {
    bool is_made = false;
    uint32_t index = 0;

    bool operator==(const Source&) const = default;
  };
  struct Step {
    CallSignature signature{};
    std::vector<Source> operands{};
    std::vector<uint32_t> words{};  // of the call
  };
  std::vector<Step> steps{};
  // For each fresh result of the call which one it is, counted over the steps. Its elements are
  // those of the result in order, though a step may make it with dimensions of size 1.
  std::vector<uint32_t> results{};
};

// Steps write the operands that the call writes. Nothing for a call that there is no need to
// expand, and for layouts in which the steps would lie otherwise.
std::optional<Expansion> expand(const CallSignature& s);

// A line a step, operands as "%n": those of the call, then what is made.
std::string to_string(const Expansion& expansion, const CallSignature& s);

}  // namespace moai::ops
