// WindowBuilder: puts whole windows together again from what a Recorder streams.
//
// Plain state; not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_set>
#include <vector>

#include "moai/dispatch/messages.h"
#include "moai/graph/window.h"

namespace moai::driver {

using graph::StorageId;

class WindowBuilder {
 public:
  // One thing that was recorded. Storages and words stay the message's.
  struct Recorded {
    graph::NodeKind kind = graph::NodeKind::kCall;
    graph::SignatureId signature = 0;
    std::span<const StorageId> storages;
    std::span<const uint64_t> words;
  };
  // What a message holds, in order.
  template <class Each>
  void each(const dispatch::Run& run, const Each& each) const {
    const program::Program& p = run.program;
    for (const program::Instruction& i : p.instructions) {
      each(Recorded{i.kind, i.signature, p.places_of(i), p.words_of(i)});
    }
  }
  template <class Each>
  void each(const dispatch::RunTemplate& run, const Each& each);

  void define(const dispatch::DefineTemplate& define) { templates_[define.id] = define.program; }
  void drop(dispatch::TemplateId id) { templates_.erase(id); }

  // Adds to the window. A call's line becomes its number in the window, from 1.
  void add(const Recorded& r, uint64_t sequence);
  bool touches(StorageId id) const { return touched_.contains(id); }
  // Whether the window makes, changes, resizes or releases it.
  bool changes(StorageId id, const graph::SignatureTable& signatures) const;
  // Of calls that a Worker may skip together (moai/worker/exec/stream.h): what was added last
  // begins or ends them.
  void begin_region() {
    region_ = Region{window_.nodes.size() - 1, calls_ - 1};
    region_is_older_ = false;
  }
  void end_region() { region_.reset(); }
  // Whether they go on behind the window that was taken last.
  bool cuts_region() const { return region_ && region_is_older_; }
  // Whether they began in this window, are not at their end, and none uses the storage so far.
  bool stands_before_region(StorageId id) const;
  size_t nodes() const { return window_.nodes.size(); }
  bool empty() const { return window_.empty() && released_.empty(); }

  struct Built {
    graph::Window window{};
    uint64_t first_sequence = 0;        // of its first call
    std::vector<StorageId> released{};  // before it: it uses none of them
  };
  Built take();
  // What stands before the region that began in this window, which stays.
  Built take_before_region();
  uint64_t first_sequence() const { return first_sequence_; }

 private:
  struct Region {
    size_t node = 0;     // that begins it
    uint32_t calls = 0;  // before it
  };
  static void append(const Recorded& r, uint32_t line, graph::Window* window);

  std::map<dispatch::TemplateId, program::Program> templates_;
  std::vector<StorageId> bindings_;
  std::vector<StorageId> places_;
  graph::Window window_;
  std::vector<StorageId> released_;
  std::unordered_set<StorageId> touched_;
  uint64_t first_sequence_ = 0;
  uint32_t calls_ = 0;
  std::optional<Region> region_;
  bool region_is_older_ = false;  // than the window
};

template <class Each>
void WindowBuilder::each(const dispatch::RunTemplate& run, const Each& each) {
  const program::Program& p = templates_.at(run.id);
  if (run.begin == 0) bindings_.clear();
  bindings_.insert(bindings_.end(), run.bindings.begin(), run.bindings.end());
  size_t release = 0, word = 0;
  const auto release_until = [&](uint32_t at) {
    for (; release < run.releases.size() && run.releases[release].before <= at; ++release) {
      each(Recorded{graph::NodeKind::kFree, 0, {&run.releases[release].storage, 1}, {}});
    }
  };
  for (uint32_t i = run.begin; i < run.end; ++i) {
    release_until(i);
    const program::Instruction& in = p.instructions[i];
    places_.clear();
    for (const program::Place slot : p.places_of(in)) places_.push_back(bindings_[slot]);
    each(Recorded{in.kind, in.signature, places_,
                  std::span(run.words).subspan(word, in.words_count)});
    word += in.words_count;
  }
  release_until(run.end);
}

}  // namespace moai::driver
