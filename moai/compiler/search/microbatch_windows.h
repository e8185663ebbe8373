// MicrobatchWindows: what of a window runs for one micro-batch, as a window of its own.
//
// The batch is cut as passes/micro_batches.h cuts it, and the calls of the first part are taken;
// what is added up over the parts is left as it is. Marks of calls (model_line.h) say which are
// made again. For prices: such a window trains with a part of the batch.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "moai/compiler/search/model_line.h"

namespace moai::compiler {

class MicrobatchWindows {
 public:
  // It outlives this.
  explicit MicrobatchWindows(const ModelLine* line);
  ~MicrobatchWindows();

  // Plans of a part of the batch of so many. Null where parts are not of one another's making: no
  // call over all of the batch is in between.
  WindowPlanner* of(int microbatches, Recompute recompute);
  bool has(int microbatches, Recompute recompute) const;  // by now
  // The numbers of micro-batches, but for one, of which there are plans by now; ascending.
  std::vector<int> made(Recompute recompute) const;
  // Calls that are made again, by node of the line's window; none where the pass refuses.
  const std::vector<bool>& again(Recompute recompute);

 private:
  struct Again;
  Again& made_again(Recompute recompute);
  std::optional<graph::Window> part(Again* again, int microbatches) const;

  const ModelLine& line_;
  std::map<Recompute, std::unique_ptr<Again>> again_;
  std::map<std::pair<int, Recompute>, std::unique_ptr<WindowPlanner>> planners_;
};

}  // namespace moai::compiler
