#include "moai/compiler/analysis/segments.h"

#include <algorithm>

namespace moai::compiler {
namespace {

int64_t begin_bytes(const tensor::Geometry& g) {
  return g.offset * static_cast<int64_t>(tensor::dtype_size(g.dtype));
}

}  // namespace

void SegmentMap::use(graph::StorageId storage, const tensor::Geometry& g) {
  const int64_t end = tensor::storage_bytes(g);
  if (storage == 0 || end == 0) return;
  Ranges& ranges = storages_.try_emplace(storage, Ranges{storages_.size(), {}}).first->second;
  const int64_t begin = begin_bytes(g);
  for (Range& r : ranges.list) {
    if (r.begin <= begin && end <= r.end) {
      r.mixed |= r.dtype != g.dtype;
      return;
    }
  }
  ranges.list.push_back({begin, end, g.dtype, false, kNone});
}

std::vector<Segment> SegmentMap::finish() {
  std::vector<std::pair<const graph::StorageId, Ranges>*> ordered(storages_.size());
  for (auto& entry : storages_) ordered[entry.second.order] = &entry;
  std::vector<Segment> segments;
  for (auto* entry : ordered) {
    std::vector<Range>& list = entry->second.list;
    std::sort(list.begin(), list.end(),
              [](const Range& a, const Range& b) { return a.begin < b.begin; });
    std::vector<Range> joined;
    for (const Range& r : list) {
      if (joined.empty() || r.begin >= joined.back().end) {
        joined.push_back(r);
        continue;
      }
      Range& last = joined.back();
      last.mixed |= r.mixed || last.dtype != r.dtype;
      last.end = std::max(last.end, r.end);
    }
    for (Range& r : joined) {
      r.id = static_cast<SegmentId>(segments.size());
      const tensor::DType dtype = r.mixed ? tensor::DType::kUInt8 : r.dtype;
      const auto size = static_cast<int64_t>(tensor::dtype_size(dtype));
      segments.push_back({.storage = entry->first,
                          .dtype = dtype,
                          .begin = r.begin / size,
                          .count = (r.end - r.begin) / size,
                          .opaque = r.mixed,
                          .shares_storage = joined.size() > 1});
    }
    list = std::move(joined);
  }
  return segments;
}

SegmentId SegmentMap::at(graph::StorageId storage, const tensor::Geometry& g) const {
  const std::vector<Range>& list = storages_.at(storage).list;
  const auto after =
      std::upper_bound(list.begin(), list.end(), begin_bytes(g),
                       [](int64_t begin, const Range& r) { return begin < r.begin; });
  return std::prev(after)->id;
}

std::vector<SegmentId> SegmentMap::of(graph::StorageId storage) const {
  std::vector<SegmentId> ids;
  if (const auto found = storages_.find(storage); found != storages_.end()) {
    for (const Range& r : found->second.list) ids.push_back(r.id);
  }
  return ids;
}

}  // namespace moai::compiler
