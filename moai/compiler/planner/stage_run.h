// StageRun: when pipeline stages run their programs, which wait for each other's messages.
#pragma once

#include <span>
#include <vector>

#include "moai/base/status.h"
#include "moai/compiler/cost/program_price.h"

namespace moai::compiler {

// The program of one rank of a stage, and what its nodes take (cost::price_program). Both outlive
// the call.
struct StageCalls {
  const graph::Window* program = nullptr;
  std::span<const cost::NodePrice> prices{};
};

struct StageTime {
  double end_s = 0;
  double waited_s = 0;              // of it, for messages that are not there yet
  std::vector<double> exposed_s{};  // by node: what it takes, with waiting
};

// Ranks at the same place of all stages. A message occupies who sends it for as long as it takes
// and is there when that is over; who receives waits. INTERNAL where stages wait for each other
// without end.
Result<std::vector<StageTime>> run_stages(const std::vector<StageCalls>& stages,
                                          const graph::SignatureTable& signatures);

}  // namespace moai::compiler
