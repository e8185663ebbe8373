#include "moai/driver/mesh/window_builder.h"

#include <algorithm>
#include <utility>

namespace moai::driver {

using graph::NodeKind;

void WindowBuilder::append(const Recorded& r, uint32_t line, graph::Window* window) {
  switch (r.kind) {
    case NodeKind::kCall:
      return window->call(r.signature, r.storages, r.words, line);
    case NodeKind::kAlloc:
      return window->alloc(r.storages[0], r.words[0]);
    case NodeKind::kResize:
      return window->resize(r.storages[0], r.words[0]);
    case NodeKind::kFree:
      return window->free(r.storages[0]);
  }
}

void WindowBuilder::add(const Recorded& r, uint64_t sequence) {
  if (r.kind == NodeKind::kFree && !touches(r.storages[0])) {
    return released_.push_back(r.storages[0]);
  }
  if (r.kind == NodeKind::kCall && calls_++ == 0) first_sequence_ = sequence;
  append(r, calls_, &window_);
  touched_.insert(r.storages.begin(), r.storages.end());
}

bool WindowBuilder::changes(StorageId id, const graph::SignatureTable& signatures) const {
  if (!touches(id)) return false;
  return std::ranges::any_of(window_.nodes, [&](const graph::Node& n) {
    const auto ids = window_.storages_of(n);
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] != id) continue;
      if (n.kind != NodeKind::kCall) return true;
      const std::vector<bool>& written = signatures.at(n.signature).written;
      if (i >= written.size() || written[i]) return true;
    }
    return false;
  });
}

bool WindowBuilder::stands_before_region(StorageId id) const {
  if (!region_ || region_is_older_) return false;
  for (size_t i = region_->node; i < window_.nodes.size(); ++i) {
    const auto ids = window_.storages_of(window_.nodes[i]);
    if (std::ranges::find(ids, id) != ids.end()) return false;
  }
  return true;
}

WindowBuilder::Built WindowBuilder::take_before_region() {
  const Region region = *region_;
  const uint64_t sequence = first_sequence_ + region.calls;
  Built all = take();
  Built head{.first_sequence = all.first_sequence, .released = std::move(all.released)};
  for (size_t i = 0; i < all.window.nodes.size(); ++i) {
    const graph::Node& n = all.window.nodes[i];
    const Recorded r{n.kind, n.signature, all.window.storages_of(n), all.window.words_of(n)};
    if (i < region.node) {
      append(r, n.line, &head.window);
    } else {
      add(r, sequence);
    }
  }
  region_ = Region{};
  region_is_older_ = false;
  return head;
}

WindowBuilder::Built WindowBuilder::take() {
  touched_.clear();
  calls_ = 0;
  region_is_older_ = region_.has_value();
  return {std::exchange(window_, {}), std::exchange(first_sequence_, 0),
          std::exchange(released_, {})};
}

}  // namespace moai::driver
