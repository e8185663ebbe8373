// ReadAhead: fetches what the script read at the same place the last time.
//
// A place is a position in a template. When it is reached again, the read is sent at once; the
// script's own read then only waits for the bytes. A place where the script did not read again is
// forgotten. What was fetched counts only until another node is recorded. Not thread-safe.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "moai/driver/record/template_book.h"

namespace moai::driver {

class ReadAhead {
 public:
  static constexpr uint64_t kBytesMax = 64 * 1024;  // of one read
  static constexpr size_t kPointsMax = 16;          // of one template

  // Reads to send now that `position` nodes of `t` were recorded, its slots being bound to
  // `storages`.
  std::vector<dispatch::ReadRange> due(Template& t, size_t position,
                                       const std::vector<graph::StorageId>& storages);
  // One of them was sent.
  void sent(dispatch::RequestId request, const dispatch::ReadRange& range);
  // The request that brings these bytes already.
  std::optional<dispatch::RequestId> take(const dispatch::ReadRange& range);
  // The script read them at this place without their having been fetched.
  void remember(Template& t, size_t position, uint32_t slot, const dispatch::ReadRange& range);
  // A node was recorded: returns requests that nobody will ask for.
  std::vector<dispatch::RequestId> forget();
  bool empty() const { return fetched_.empty(); }
  // The template leaves: returns requests that nobody will ask for.
  std::vector<dispatch::RequestId> drop(const Template* t);

 private:
  struct Fetched {
    dispatch::RequestId request = 0;  // 0: not sent yet
    dispatch::ReadRange range;
    Template* from = nullptr;
    ReadPoint point;
  };
  std::vector<Fetched> fetched_;
};

}  // namespace moai::driver
