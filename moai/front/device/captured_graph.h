// CapturedGraph: what torch.cuda.CUDAGraph records and replays.
//
// While a graph captures, everything recorded on the device goes into it and nothing runs; waiting
// for a value is refused, as CUDA refuses it. A replay records the same calls on the same storages
// again, as a window of its own, so that it is sent as a template. Drawing calls draw anew.
//
// Storages made during the capture are of two kinds. One that ended during the capture is made and
// ended by each replay. One that was still alive keeps its id, and each replay makes it anew. What
// a graph uses stays on the device until the graph is gone, even when its tensor is not.
//
// One graph captures at a time in a process; any thread may record then. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "moai/front/device/graph_record.h"

namespace moai::front {

class CapturedGraph {
 public:
  CapturedGraph() = default;
  ~CapturedGraph() { reset(); }
  CapturedGraph(const CapturedGraph&) = delete;
  CapturedGraph& operator=(const CapturedGraph&) = delete;

  // Raises torch's error when a graph captures already, or this one has captured.
  void capture_begin();
  void capture_end();
  void replay();
  // Forgets what was captured; it may capture again.
  void reset();
  // The calls as text (docs/formats/window.md).
  std::string text() const;

 private:
  void replay_node(const graph::Node& node, size_t index, size_t* draw);

  std::unique_ptr<GraphRecord> record_;
};

// Whether a graph captures now.
bool capturing();
// True when a graph still needs a storage whose tensor is gone; the graph will end it.
bool kept_by_graph(graph::StorageId id);

}  // namespace moai::front
