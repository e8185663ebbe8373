#include "moai/compiler/planner/recorded_step.h"

#include <algorithm>
#include <string>

#include "moai/compiler/analysis/analysed.h"
#include "moai/compiler/analysis/roles.h"

namespace moai::compiler {
namespace {

using graph::NodeKind;
using graph::RecordedWindow;

std::vector<graph::StorageId> uploaded(const RecordedWindow& w) {
  std::vector<graph::StorageId> ids;
  for (const graph::Upload& u : w.uploads) ids.push_back(u.storage);
  return ids;
}

// What the storages of a recording take, window after window.
class Replay {
 public:
  explicit Replay(const graph::SignatureTable& signatures) : storages_(&signatures) {}

  cost::LiveStorages& live() { return storages_.live(); }
  void uploads(const RecordedWindow& w) {
    for (const graph::Upload& u : w.uploads) live().grow(u.storage, u.storage_bytes);
  }
  void run(const RecordedWindow& w) {
    uploads(w);
    for (const graph::Node& n : w.window.nodes) storages_.run(w.window, n);
  }

 private:
  cost::StorageReplay storages_;
};

bool trains(const RecordedWindow& w, const graph::SignatureTable& signatures) {
  const Analysed analysed(w.window, signatures);
  const Roles roles = find_roles(analysed.graph, analysed.factors, uploaded(w));
  return std::ranges::find(roles.nodes, Slice::kBackward) != roles.nodes.end() &&
         std::ranges::find(roles.nodes, Slice::kOptimizer) != roles.nodes.end();
}

Status no_step(const graph::Recording& recording) {
  size_t calls = 0;
  for (const RecordedWindow& w : recording.windows) {
    calls += static_cast<size_t>(
        std::ranges::count(w.window.nodes, NodeKind::kCall, &graph::Node::kind));
  }
  if (calls == 0) {
    return failed_precondition(
        "[planner.step] the script ran nothing on the device; it must move its model and data "
        "there "
        "(device \"cuda\") and train a step");
  }
  return failed_precondition("[planner.step] no training step among the " + std::to_string(calls) +
                             " calls that the script made on the device: nowhere do gradients "
                             "change weights; give arguments with which it trains");
}

}  // namespace

Result<RecordedStep> training_step(const graph::Recording& recording,
                                   const graph::SignatureTable& signatures) {
  size_t chosen = recording.windows.size();
  while (chosen > 0 && !trains(recording.windows[chosen - 1], signatures)) --chosen;
  if (chosen == 0) return no_step(recording);
  Replay replay(signatures);
  for (size_t i = 0; i + 1 < chosen; ++i) replay.run(recording.windows[i]);
  const RecordedWindow& w = recording.windows[chosen - 1];
  replay.uploads(w);
  return RecordedStep{w.window, uploaded(w), replay.live().storages()};
}

}  // namespace moai::compiler
