#include "moai/driver/mesh/window_builder.h"

#include <utility>

namespace moai::driver {

using graph::NodeKind;

void WindowBuilder::add(const Recorded& r, uint64_t sequence) {
  switch (r.kind) {
    case NodeKind::kCall:
      if (calls_ == 0) first_sequence_ = sequence;
      window_.call(r.signature, r.storages, r.words, ++calls_);
      break;
    case NodeKind::kAlloc:
      window_.alloc(r.storages[0], r.words[0]);
      break;
    case NodeKind::kResize:
      window_.resize(r.storages[0], r.words[0]);
      break;
    case NodeKind::kFree:
      if (!touches(r.storages[0])) return released_.push_back(r.storages[0]);
      window_.free(r.storages[0]);
      break;
  }
  touched_.insert(r.storages.begin(), r.storages.end());
}

WindowBuilder::Built WindowBuilder::take() {
  touched_.clear();
  calls_ = 0;
  return {std::exchange(window_, {}), std::exchange(first_sequence_, 0),
          std::exchange(released_, {})};
}

}  // namespace moai::driver
