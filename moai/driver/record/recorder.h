// Recorder: turns what a front records into messages for a Worker.
//
// It cuts the stream of nodes into windows, finds the window that a template knows and follows it,
// streams what it does not know, and fetches ahead what the script read at the same place before.
// A window ends at a step end; where no template is followed also at a wait, so that loops without
// an optimizer are recognised; and where its template ends.
//
// Messages come out of take() in the order in which they must be executed. Uploads that make a
// storage go ahead of the nodes recorded before them, so that they cut no template.
//
// Plain state; not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "moai/dispatch/messages.h"
#include "moai/driver/record/read_ahead.h"
#include "moai/driver/record/slot_map.h"
#include "moai/driver/record/template_book.h"
#include "moai/graph/window.h"

namespace moai::driver {

using dispatch::RequestId;
using graph::SignatureId;
using graph::StorageId;

struct RecorderOptions {
  bool templates = true;
  TemplateBook::Options book{};
  size_t window_nodes_max = size_t{1} << 16;  // a longer window ends there
};

class Recorder {
 public:
  explicit Recorder(RecorderOptions options) : options_(options), book_(options.book) {}

  // ---- recording
  void call(SignatureId signature, std::span<const StorageId> storages,
            std::span<const uint64_t> words) {
    ++counters_.calls;
    node(graph::NodeKind::kCall, signature, storages, words);
  }
  void alloc(StorageId id, uint64_t size_bytes) {
    node(graph::NodeKind::kAlloc, 0, {&id, 1}, {&size_bytes, 1});
  }
  void resize(StorageId id, uint64_t size_bytes) {
    node(graph::NodeKind::kResize, 0, {&id, 1}, {&size_bytes, 1});
  }
  void free(StorageId id);
  // Overwrites a range of a storage; `makes`: nothing was recorded about it before.
  void upload(StorageId id, uint64_t storage_bytes, uint64_t offset, std::string bytes, bool makes);
  // An operator whose results the Worker decides.
  RequestId ask(SignatureId signature, std::span<const StorageId> operands,
                std::span<const uint64_t> words, StorageId first_result, uint32_t results_max);
  RequestId marker(bool resets_peak = false, bool trims_memory = false);
  // The request that brings these bytes: one that was sent ahead or a new one.
  RequestId read(std::vector<dispatch::ReadRange> ranges);
  void step_end();
  // From now on what is released behind the last node of a template leaves before its step ends,
  // not with the next window: for who puts whole steps together (mesh/mesh_stream.h).
  void release_with_step() { releases_with_step_ = true; }
  // The script waits for a result now.
  void wait();

  // ---- sending
  // What was recorded since the last call.
  std::vector<dispatch::Message> take();
  // For each optimizer step that ended in what take() gave last, how many of its messages came
  // before.
  std::vector<size_t> take_step_ends() { return std::exchange(taken_step_ends_, {}); }
  size_t pending_nodes() const { return pending_nodes_; }
  size_t pending_bytes() const { return pending_bytes_; }
  bool pending() const { return pending_nodes_ != 0 || !out_.empty(); }
  // Of the last call recorded, counted from 1; a Fault names a call by it.
  uint64_t sequence() const { return sequence_; }
  // Requests whose answers nobody will take.
  std::vector<RequestId> take_abandoned() { return std::exchange(abandoned_, {}); }

  struct Counters {
    uint64_t calls = 0, template_calls = 0;
    uint64_t windows = 0, templates = 0, diverged = 0;
    uint64_t pushed_reads = 0, pushed_hits = 0;
  };
  const Counters& counters() const { return counters_; }
  // The templates and what was not taken yet, as text.
  std::string describe(const graph::SignatureTable& signatures) const;

 private:
  enum class Mode { kStart, kRecording, kFollowing };

  void node(graph::NodeKind kind, SignatureId signature, std::span<const StorageId> storages,
            std::span<const uint64_t> words);
  void name_slots(std::span<const StorageId> storages, SlotNode* node);
  void begin(const SlotNode& first);
  bool follow(const SlotNode& node, std::span<const uint64_t> words);
  void diverge();
  void record(const SlotNode& node, std::span<const StorageId> storages,
              std::span<const uint64_t> words);
  void end_recording();
  void end_following();
  void release_behind();
  void window_ended(uint64_t hash, Template* followed);
  void learn(program::Program program, std::vector<uint64_t> prefix);
  void fetch_ahead(Template& t, size_t position);
  void forget_fetched();
  void cut();
  void cut_streamed();
  void cut_template();
  void push(dispatch::Message message) { out_.push_back(std::move(message)); }

  RecorderOptions options_;
  TemplateBook book_;
  ReadAhead ahead_;
  bool releases_with_step_ = false;
  Mode mode_ = Mode::kStart;
  uint64_t last_hash_ = kEmptyPrefix;  // of the window before
  SlotMap slots_;                      // of the current window, the node at hand included
  std::vector<uint32_t> node_slots_;   // of the node at hand

  // kRecording: the window so far, its storages as slots, and the hash of each prefix.
  graph::Window canonical_;
  std::vector<uint64_t> prefix_;
  // kFollowing
  Template* template_ = nullptr;
  size_t position_ = 0;   // nodes of the template that were recorded
  size_t waited_at_ = 0;  // position at the last wait
  size_t bound_ = 0;      // slots that they use
  // The run that has just ended, whose values the script may read now.
  Template* ended_ = nullptr;
  std::vector<StorageId> ended_storages_;

  // Not cut yet: nodes to be streamed, or a part of a template.
  graph::Window streamed_;
  dispatch::RunTemplate run_;
  size_t run_bound_ = 0;                // slots bound by earlier parts
  std::vector<StorageId> early_frees_;  // before the first node of the window

  std::vector<dispatch::Message> out_;
  std::vector<size_t> step_ends_, taken_step_ends_;
  std::vector<RequestId> abandoned_;
  size_t pending_nodes_ = 0, pending_bytes_ = 0;
  uint64_t sequence_ = 0;
  uint64_t cut_sequence_ = 0;  // sequence_ at the last cut
  RequestId last_request_ = 0;
  Counters counters_;
};

}  // namespace moai::driver
