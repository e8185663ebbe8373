// Unread: calls of a template that need not run when their results are released unread.
//
// A script that computes its accuracy in every step and prints it in every hundredth has such
// calls.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "moai/dispatch/messages.h"
#include "moai/graph/signature_table.h"
#include "moai/ops/purity.h"
#include "moai/program/program.h"

namespace moai::worker {

struct UnreadCall {
  uint32_t at = 0;                // its instruction
  std::vector<uint32_t> made{};   // slots of its results
  std::vector<size_t> readers{};  // later calls of the list, by index; nothing else reads `made`
  uint32_t first_word = 0;        // of the template's
  ops::WordKinds words{};
};

// In the order of the program. Only calls that ops::if_total knows.
std::vector<UnreadCall> find_unread(const program::Program& program,
                                    const graph::SignatureTable& signatures);

// Instructions, in order, of [run.begin, run.end) that nobody misses: all they make is released in
// the run. `bound`: storages by slot; `first_word`: where the run's words begin in the template's.
// Looks at nothing where that would take long.
void choose_unread(std::span<const UnreadCall> unread, const dispatch::RunTemplate& run,
                   std::span<const graph::StorageId> bound, uint32_t first_word,
                   std::vector<uint32_t>* chosen);

}  // namespace moai::worker
