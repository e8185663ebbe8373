// Timeline: when the calls of a rank run, its collectives in line with them or beside them.
//
// Beside them: one queue of calls and one of collectives, each in the program's order. A collective
// waits until what it touches was last touched by a call, one that the program starts where it
// stands until the calls before it have ended; a call waits for the collectives whose storages it
// touches, and is slower while one runs.
#pragma once

#include <span>
#include <unordered_map>

#include "moai/graph/window.h"

namespace moai::compiler::cost {

class Timeline {
 public:
  // `slowdown`: of a call while a collective runs, at least 1.
  explicit Timeline(double slowdown) : slowdown_(slowdown) {}

  // `storages` are those that it touches; 0 is "no storage".
  void call(std::span<const graph::StorageId> storages, double seconds);
  // `beside`: in the queue of collectives, else in line with calls.
  void collective(std::span<const graph::StorageId> storages, double seconds, bool beside);

  void start(std::span<const graph::StorageId> storages, double seconds) {
    run_beside(storages, seconds, calls_end_);
  }
  // Calls go on when all collectives have ended.
  void run_dry() { calls_end_ = end_s(); }

  double calls_end_s() const { return calls_end_; }
  double end_s() const { return calls_end_ > collectives_end_ ? calls_end_ : collectives_end_; }

 private:
  using Times = std::unordered_map<graph::StorageId, double>;
  void run_beside(std::span<const graph::StorageId> storages, double seconds, double from_s);
  static double latest(const Times& times, std::span<const graph::StorageId> storages);

  const double slowdown_;
  double calls_end_ = 0;
  double collectives_begin_ = 0, collectives_end_ = 0;  // of what runs without a gap
  Times called_, exchanged_;                            // when each storage was last touched
};

}  // namespace moai::compiler::cost
