#include "moai/compiler/planner/recorded_step.h"

#include <algorithm>
#include <set>
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

RecordedWindow piece(const RecordedWindow& w, size_t begin, size_t end) {
  RecordedWindow out;
  for (size_t i = begin; i < end; ++i) {
    const graph::Node& n = w.window.nodes[i];
    const auto ids = w.window.storages_of(n);
    const auto words = w.window.words_of(n);
    switch (n.kind) {
      case NodeKind::kCall:
        out.window.call(n.signature, ids, words, n.line);
        break;
      case NodeKind::kAlloc:
        out.window.alloc(ids[0], words[0]);
        break;
      case NodeKind::kResize:
        out.window.resize(ids[0], words[0]);
        break;
      case NodeKind::kFree:
        out.window.free(ids[0]);
        break;
    }
  }
  for (const graph::Upload& u : w.uploads) {
    const bool last = end == w.window.nodes.size() && u.before == end;
    if ((u.before >= begin && u.before < end) || last) {
      out.uploads.push_back(u);
      out.uploads.back().before -= begin;
    }
  }
  return out;
}

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

std::vector<RecordedStep> distinct_windows(const graph::Recording& recording, size_t nodes_max,
                                           const graph::SignatureTable& signatures) {
  std::set<std::vector<graph::SignatureId>> known;
  std::vector<RecordedStep> all;
  Replay replay(signatures);
  const auto take = [&](const RecordedWindow& w) {
    replay.uploads(w);
    std::vector<graph::SignatureId> calls;
    for (const graph::Node& n : w.window.nodes) {
      if (n.kind == NodeKind::kCall) calls.push_back(n.signature);
    }
    if (!calls.empty() && known.insert(std::move(calls)).second) {
      all.push_back({w.window, uploaded(w), replay.live().storages()});
    }
    replay.run(w);
  };
  for (const RecordedWindow& w : recording.windows) {
    for (size_t begin = 0; begin < w.window.nodes.size(); begin += nodes_max) {
      take(piece(w, begin, std::min(begin + nodes_max, w.window.nodes.size())));
    }
  }
  return all;
}

}  // namespace moai::compiler
