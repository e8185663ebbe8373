// Roles: what the segments and calls of a window are to the script, from dataflow alone.
//
//   parameter   trained: a forward product depends on it, then the window writes it; or only read,
//               by a forward product or as a table (an evaluation, or what is frozen)
//   state       what the optimizer keeps and writes: moments, counts of steps
//   buffer      written as well, without gradients: statistics of batch norm, a running loss
//   gradient    what the backward pass leaves to the optimizer, and sums of it that live on
//   data        has a batch factor, or was uploaded in the window
//   constant    other things that are only read
//   temporary   everything else
//
// Calls are optimizer where only written parameters and state depend on them, and no product and
// nothing with a batch is among them; backward where only gradients do; else forward.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moai/compiler/analysis/factors.h"

namespace moai::compiler {

enum class Role : uint8_t {
  kTemporary,
  kParameter,
  kState,
  kBuffer,
  kGradient,
  kData,
  kConstant,
};

enum class Slice : uint8_t { kForward, kBackward, kOptimizer };

struct Roles {
  std::vector<Role> segments{};  // by segment
  std::vector<Slice> nodes{};    // by node
  // Factors of batches, and of what else runs through most forward products (analysis/
  // batch_factors.h).
  std::vector<FactorId> batch{}, sequence{};
  std::vector<bool> multiplied{};  // by segment: a forward product reads it
  NodeId backward_begin = kNone;   // the first backward call
};

// `uploaded`: storages that were uploaded in the window. Deterministic.
Roles find_roles(const ValueGraph& g, const Factors& factors,
                 const std::vector<graph::StorageId>& uploaded);

std::string_view name(Role role);
// A line a role with its storages, then how many calls each slice has.
std::string print(const ValueGraph& g, const Roles& roles);

}  // namespace moai::compiler
