// SkippedRegion: calls that a Worker may skip together (worker/exec/stream.h), as a step under a
// gradient scaler.
//
// Whether they run or not, what is used behind them must lie alike. So what they write in place is
// at home before and after them, what is partial is summed before them, and copies that were made
// among them are not used behind them.
#pragma once

#include <string_view>
#include <vector>

#include "moai/compiler/analysis/value_graph.h"
#include "moai/graph/window.h"

namespace moai::compiler {

// What a call of this operator does to a region.
enum class RegionBorder : uint8_t { kNone, kBegin, kEnd };
RegionBorder region_border(std::string_view op);
bool borders_region(const ValueGraph& g, NodeId n);

// Whether a region begins or ends in another window: what is moved in between might not happen.
bool cuts_region(const graph::Window& w, const graph::SignatureTable& signatures);

struct SkippedRegion {
  NodeId begin = kNone, end = kNone;  // the calls that border it
  // What segments hold that it writes, before it, and behind it where somebody uses that.
  std::vector<ValueId> before{}, after{};
  std::vector<ValueId> used{};  // older than its end, used in it or behind it
};

// In order. A region without an end goes on to the end of the window.
std::vector<SkippedRegion> skipped_regions(const ValueGraph& g);

}  // namespace moai::compiler
