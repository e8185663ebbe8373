// Lowering in time: a program on a mesh of one axis, "time", as one window of one device.
#pragma once

#include <vector>

#include "moai/compiler/lower/lower_rank.h"

namespace moai::compiler {

// Which task each node belongs to: what is whole in time, and the optimizer, have one as well.
struct NodeTask {
  int stage = 0;
  bool backward = false;
};

struct TimeTasks {
  std::vector<NodeTask> nodes{};  // by node of the graph
  // In order; each (stage, backward, micro-batch) that a node has once.
  struct Task {
    NodeTask of{};
    int microbatch = 0;
  };
  std::vector<Task> order{};
};

struct InTime {
  graph::Window window{};
  struct Origin {
    NodeId node = kNone;  // of the graph
    int microbatch = -1;  // -1: for all
  };
  std::vector<Origin> origins{};  // by node of the window
  // Where all micro-batches wait for each other before their turn: what is moved over all of them,
  // and the node that needs it.
  struct Awaited {
    NodeId reader = kNone;
    ValueId value = kNone;

    auto operator<=>(const Awaited&) const = default;
  };
  std::vector<Awaited> awaited{};
  graph::StorageId next_temporary = 0;
};

// Tasks run one after the other, each once what it needs is there: what needs a sum over all
// micro-batches has them all run up to there. Sums are made as their items come; what is whole in
// time runs where it is needed first, and the rest after all tasks. Storages leave with their last
// use. `in.program` has one axis.
InTime lower_in_time(const Lowering& in, const TimeTasks& tasks, graph::StorageId first_temporary,
                     graph::SignatureTable* signatures);

}  // namespace moai::compiler
