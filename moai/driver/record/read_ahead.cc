#include "moai/driver/record/read_ahead.h"

#include <algorithm>

namespace moai::driver {
namespace {

bool same_place(const ReadPoint& a, const ReadPoint& b) {
  return a.position == b.position && a.slot == b.slot && a.offset == b.offset && a.size == b.size;
}

}  // namespace

std::vector<dispatch::ReadRange> ReadAhead::due(Template& t, size_t position,
                                                const std::vector<graph::StorageId>& storages) {
  std::vector<dispatch::ReadRange> ranges;
  if (t.reads.empty()) return ranges;
  std::erase_if(t.reads,
                [&](const ReadPoint& p) { return p.position == position && !p.confirmed; });
  for (ReadPoint& point : t.reads) {
    if (point.position != position) continue;
    point.confirmed = false;
    const dispatch::ReadRange range{storages[point.slot], point.offset, point.size};
    fetched_.push_back({0, range, &t, point});
    ranges.push_back(range);
  }
  return ranges;
}

void ReadAhead::sent(dispatch::RequestId request, const dispatch::ReadRange& range) {
  for (Fetched& f : fetched_) {
    if (f.request == 0 && f.range == range) f.request = request;
  }
}

std::optional<dispatch::RequestId> ReadAhead::take(const dispatch::ReadRange& range) {
  const auto it = std::ranges::find(fetched_, range, &Fetched::range);
  if (it == fetched_.end()) return std::nullopt;
  for (ReadPoint& point : it->from->reads) {
    if (same_place(point, it->point)) point.confirmed = true;
  }
  const dispatch::RequestId request = it->request;
  fetched_.erase(it);
  return request;
}

void ReadAhead::remember(Template& t, size_t position, uint32_t slot,
                         const dispatch::ReadRange& range) {
  if (position == 0 || range.size > kBytesMax || t.reads.size() >= kPointsMax) return;
  const ReadPoint point{position, slot, range.offset, range.size, true};
  const bool known =
      std::ranges::any_of(t.reads, [&](const ReadPoint& p) { return same_place(p, point); });
  if (!known) t.reads.push_back(point);
}

std::vector<dispatch::RequestId> ReadAhead::forget() {
  std::vector<dispatch::RequestId> requests;
  for (const Fetched& f : fetched_) requests.push_back(f.request);
  fetched_.clear();
  return requests;
}

std::vector<dispatch::RequestId> ReadAhead::drop(const Template* t) {
  std::vector<dispatch::RequestId> requests;
  for (const Fetched& f : fetched_) {
    if (f.from == t) requests.push_back(f.request);
  }
  std::erase_if(fetched_, [&](const Fetched& f) { return f.from == t; });
  return requests;
}

}  // namespace moai::driver
