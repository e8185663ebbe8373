// StageLowering: what lowering reads for the ranks of one pipeline stage.
#pragma once

#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

// Of a lowering of a program with stages, which outlives it. Ranks are counted from the first of
// the stage.
class StageLowering {
 public:
  StageLowering(const Lowering& all, uint32_t stage);
  StageLowering(const StageLowering&) = delete;
  StageLowering& operator=(const StageLowering&) = delete;

  const Lowering& lowering() const { return lowering_; }

 private:
  void find_absent(const Lowering& all, uint32_t stage);
  void make_window(const Lowering& all, uint32_t stage);

  SpmdProgram program_;
  graph::Window window_;
  Lowering lowering_;
};

}  // namespace moai::compiler
