// Substitutions: operators that a front which believes in a CUDA device emits and that the CPU
// library lacks, in terms of those it has.
//
// A row takes the operator's arguments off the stack and leaves its results there, auxiliary ones
// as undefined tensors or zeros. To add one: its function and row in the file of its family, and
// its case in substitution_test.cc. Raise kSubstitutionsVersion when results of a row change.
#pragma once

#include <ATen/core/stack.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "moai/ops/call.h"

namespace moai::device {

inline constexpr uint32_t kSubstitutionsVersion = 1;

// Throws what the operators inside throw; NotImplementedError for a case it does not cover.
using Substitute = void (*)(torch::jit::Stack& stack);

struct SubstitutionRow {
  std::string_view op;  // "aten::mm.dtype"
  Substitute substitute;
  // The signatures it is for, where the CPU library has the operator but not all of its cases.
  bool (*applies)(const ops::CallSignature& signature) = nullptr;
};

std::span<const SubstitutionRow> attention_substitutions();
std::span<const SubstitutionRow> recurrent_substitutions();
std::span<const SubstitutionRow> norm_substitutions();
std::span<const SubstitutionRow> softmax_substitutions();
std::span<const SubstitutionRow> histogram_substitutions();
std::span<const SubstitutionRow> product_substitutions();
std::span<const SubstitutionRow> synchronized_norm_substitutions();

std::vector<SubstitutionRow> all_substitutions();

// Null when a CPU needs none for this call.
Substitute find_substitute(const ops::CallSignature& signature);

// For an accelerator: what its library takes otherwise than a front records it.
std::span<const SubstitutionRow> accelerator_attention_substitutions();
std::span<const SubstitutionRow> accelerator_norm_substitutions();
Substitute find_accelerator_substitute(const ops::CallSignature& signature);

}  // namespace moai::device
