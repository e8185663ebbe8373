// RankProgram: what one rank runs for a window, whatever storages the window uses this time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "moai/compiler/distribute.h"
#include "moai/dispatch/messages.h"
#include "moai/program/program.h"

namespace moai::driver {

using graph::StorageId;

struct RankProgram {
  program::Program program{};                 // a template
  std::vector<StorageId> slots{};             // what its slots are among the window's numbers
  std::vector<compiler::RankWord> words{};    // of its instructions, in order
  std::vector<dispatch::Release> releases{};  // of the window's numbers
  std::vector<uint32_t> calls{};  // for each of its calls, that of the window; 0: a move's
};

// `w` over numbers of storages, dense or not.
RankProgram make_rank_program(const compiler::RankWindow& w);

// `storages`: by the window's number. `words`: the window's.
dispatch::RunTemplate bind_template(const RankProgram& p, dispatch::TemplateId id,
                                    uint64_t first_sequence, std::span<const StorageId> storages,
                                    std::span<const uint64_t> words);
// The same, to be run once.
dispatch::Run bind_once(const RankProgram& p, uint64_t first_sequence,
                        std::span<const StorageId> storages, std::span<const uint64_t> words);

}  // namespace moai::driver
