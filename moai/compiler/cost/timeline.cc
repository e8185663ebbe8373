#include "moai/compiler/cost/timeline.h"

#include <algorithm>

namespace moai::compiler::cost {

double Timeline::latest(const Times& times, std::span<const graph::StorageId> storages) {
  double latest = 0;
  for (const graph::StorageId id : storages) {
    const auto found = times.find(id);
    if (id != 0 && found != times.end()) latest = std::max(latest, found->second);
  }
  return latest;
}

void Timeline::call(std::span<const graph::StorageId> storages, double seconds) {
  const double begin = std::max(calls_end_, latest(exchanged_, storages));
  double end = begin + seconds;
  // How long a collective runs beside it, were it as slow all the time.
  const double slow_end = begin + seconds * slowdown_;
  const double beside = std::min(collectives_end_, slow_end) - std::max(begin, collectives_begin_);
  if (beside > 0) end += beside * (1 - 1 / slowdown_);
  calls_end_ = end;
  for (const graph::StorageId id : storages) called_[id] = end;
}

void Timeline::collective(std::span<const graph::StorageId> storages, double seconds, bool beside) {
  if (!beside) {
    calls_end_ = std::max(calls_end_, latest(exchanged_, storages)) + seconds;
    for (const graph::StorageId id : storages) called_[id] = calls_end_;
    return;
  }
  run_beside(storages, seconds, latest(called_, storages));
}

void Timeline::run_beside(std::span<const graph::StorageId> storages, double seconds,
                          double from_s) {
  const double begin = std::max(collectives_end_, from_s);
  if (begin > collectives_end_) collectives_begin_ = begin;
  collectives_end_ = begin + seconds;
  for (const graph::StorageId id : storages) exchanged_[id] = collectives_end_;
}

}  // namespace moai::compiler::cost
