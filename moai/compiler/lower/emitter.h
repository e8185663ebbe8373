// Emitter: the calls of a rank in order, with those over lists joined and moves bundled.
//
// Parts of one recorded call over lists that follow each other become one call again; so do moves
// of one bundle, and sums over ranks that nothing stands between (moai/ops/bundled_call.h). Neither
// changes what is computed.
#pragma once

#include <optional>
#include <vector>

#include "moai/compiler/lower/indexed_call.h"
#include "moai/graph/window.h"

namespace moai::compiler {

class Emitter {
 public:
  explicit Emitter(graph::SignatureTable* signatures) : signatures_(*signatures) {}

  // What follows is emitted for the recorded call at `source`.
  void begin(uint32_t source) { source_ = source; }
  void alloc(graph::StorageId id, uint64_t bytes);
  // Before all else.
  void resize(graph::StorageId id, uint64_t bytes);
  void call(const LocalCall& c, graph::LineId line);
  // A part of the recorded call. It may run as late as the next finish_parts(): what is
  // emitted before that must not need it.
  void part(LocalCall c, graph::LineId line);
  // Runs the parts that wait.
  void finish_parts();
  // A call of `moai::`. Those of one bundle follow each other, and none needs what another makes;
  // 0: of none.
  void move(LocalCall c, uint32_t bundle);
  // After what was emitted so far.
  void free(graph::StorageId id);

  struct Emitted {
    graph::Window window{};
    std::vector<uint32_t> sources{};  // by node: the recorded call that it was emitted for
  };
  Emitted take();

 private:
  void finish_moves();
  bool goes_with(const LocalCall& c, uint32_t bundle) const;
  bool join();
  void append(const LocalCall& c, graph::LineId line, uint32_t source);
  void release(graph::StorageId id, uint32_t source);

  struct Waiting {
    uint32_t source = 0;
    graph::LineId line = 0;
    std::vector<LocalCall> parts{};
    std::vector<graph::StorageId> freed{};
  };

  graph::SignatureTable& signatures_;
  Emitted out_;
  uint32_t source_ = 0;
  std::optional<Waiting> waiting_;
  // Moves that wait for others.
  std::vector<LocalCall> moves_;
  uint32_t bundle_ = 0;
  uint32_t moved_for_ = 0;
  std::vector<graph::StorageId> freed_;  // after them
};

}  // namespace moai::compiler
