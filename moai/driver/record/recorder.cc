#include "moai/driver/record/recorder.h"

#include <algorithm>
#include <iterator>

#include "moai/compiler/compile.h"

namespace moai::driver {

using dispatch::ReadRange;
using graph::NodeKind;

// ---- nodes

void Recorder::node(NodeKind kind, SignatureId signature, std::span<const StorageId> storages,
                    std::span<const uint64_t> words) {
  if (!ahead_.empty()) forget_fetched();
  ++pending_nodes_;
  SlotNode n{kind, signature, {}};
  name_slots(storages, &n);
  if (mode_ == Mode::kFollowing) {
    if (follow(n, words)) return;
    if (waited_at_ == position_) {
      end_following();  // the wait was the window's end
      name_slots(storages, &n);
    } else {
      diverge();
    }
  }
  if (mode_ == Mode::kStart) begin(n);
  if (mode_ == Mode::kFollowing) {
    follow(n, words);
  } else {
    record(n, storages, words);
  }
}

void Recorder::name_slots(std::span<const StorageId> storages, SlotNode* node) {
  node_slots_.clear();
  for (const StorageId id : storages) node_slots_.push_back(slots_.slot(id));
  node->slots = node_slots_;
}

// Follows a template that begins with this node, or records.
void Recorder::begin(const SlotNode& first) {
  ended_ = nullptr;
  Template* t = options_.templates ? book_.begin(last_hash_, first) : nullptr;
  const std::vector<StorageId> frees = std::exchange(early_frees_, {});
  if (!t) {
    for (const StorageId id : frees) streamed_.free(id);
    mode_ = Mode::kRecording;
    return;
  }
  cut_streamed();
  mode_ = Mode::kFollowing;
  template_ = t;
  position_ = waited_at_ = bound_ = run_bound_ = 0;
  run_ = {};
  for (const StorageId id : frees) run_.releases.push_back({0, id});
}

// False when no template goes on with this node.
bool Recorder::follow(const SlotNode& node, std::span<const uint64_t> words) {
  if (!matches(*template_, position_, node)) {
    Template* other = book_.alternative(*template_, position_, node);
    if (!other) return false;
    template_ = other;  // equal up to here, so that what is not cut yet is part of it too
  }
  run_.words.insert(run_.words.end(), words.begin(), words.end());
  bound_ = slots_.storages().size();
  ++position_;
  if (node.kind == NodeKind::kCall) {
    ++sequence_;
    ++counters_.template_calls;
  }
  if (position_ == template_->size()) {
    end_following();
  } else if (!template_->reads.empty()) {
    fetch_ahead(*template_, position_);
  }
  return true;
}

// From here on the window is none that a template knows.
void Recorder::diverge() {
  ++counters_.diverged;
  const program::Program& p = template_->program;
  canonical_.clear();
  for (size_t i = 0; i < position_; ++i) {
    const program::Instruction& in = p.instructions[i];
    const auto slots = p.places_of(in);
    canonical_.nodes.push_back({.kind = in.kind,
                                .signature = in.signature,
                                .storages_begin = static_cast<uint32_t>(canonical_.storages.size()),
                                .storages_count = in.places_count,
                                .words_begin = static_cast<uint32_t>(canonical_.words.size()),
                                .words_count = in.words_count});
    canonical_.storages.insert(canonical_.storages.end(), slots.begin(), slots.end());
    canonical_.words.resize(canonical_.words.size() + in.words_count);
  }
  prefix_.assign(template_->prefix.begin(),
                 template_->prefix.begin() + static_cast<std::ptrdiff_t>(position_));
  cut_template();
  mode_ = Mode::kRecording;
  template_ = nullptr;
}

void Recorder::record(const SlotNode& node, std::span<const StorageId> storages,
                      std::span<const uint64_t> words) {
  prefix_.push_back(next_prefix(prefix_.empty() ? kEmptyPrefix : prefix_.back(), node));
  canonical_.nodes.push_back({.kind = node.kind,
                              .signature = node.signature,
                              .storages_begin = static_cast<uint32_t>(canonical_.storages.size()),
                              .storages_count = static_cast<uint32_t>(storages.size()),
                              .words_begin = static_cast<uint32_t>(canonical_.words.size()),
                              .words_count = static_cast<uint32_t>(words.size())});
  canonical_.storages.insert(canonical_.storages.end(), node.slots.begin(), node.slots.end());
  canonical_.words.resize(canonical_.words.size() + words.size());
  if (node.kind == NodeKind::kCall) {
    ++sequence_;
    streamed_.call(node.signature, storages, words, 0);
  } else if (node.kind == NodeKind::kAlloc) {
    streamed_.alloc(storages[0], words[0]);
  } else {
    streamed_.resize(storages[0], words[0]);
  }
  if (prefix_.size() >= options_.window_nodes_max) end_recording();
}

void Recorder::free(StorageId id) {
  ++pending_nodes_;
  if (mode_ == Mode::kFollowing) {
    run_.releases.push_back({static_cast<uint32_t>(position_), id});
  } else if (mode_ == Mode::kStart) {
    early_frees_.push_back(id);
  } else {
    streamed_.free(id);
  }
}

// ---- borders

void Recorder::step_end() {
  if (mode_ == Mode::kRecording) {
    end_recording();
  } else if (mode_ == Mode::kFollowing && position_ > 0) {
    end_following();
  } else if (releases_with_step_) {
    release_behind();
  }
  cut_streamed();
  step_ends_.push_back(out_.size());
}

void Recorder::release_behind() {
  auto* last = out_.empty() ? nullptr : std::get_if<dispatch::RunTemplate>(&out_.back());
  for (const StorageId id : std::exchange(early_frees_, {})) {
    if (last) {
      last->releases.push_back({last->end, id});
    } else {
      streamed_.free(id);
    }
  }
}

void Recorder::wait() {
  if (mode_ == Mode::kRecording) end_recording();
  if (mode_ == Mode::kFollowing) waited_at_ = position_;
}

void Recorder::end_recording() {
  const uint64_t hash = prefix_.back();
  if (options_.templates && book_.saw(hash, prefix_.size())) {
    learn(compiler::lower_template(std::move(canonical_)), std::move(prefix_));
  }
  canonical_.clear();
  prefix_.clear();
  window_ended(hash, nullptr);
}

void Recorder::end_following() {
  Template* t = template_;
  const uint64_t hash = t->prefix[position_ - 1];
  const bool whole = position_ == t->size();
  cut_template();
  if (!whole && book_.saw(hash, position_)) {
    program::Program head = t->program;
    head.instructions.resize(position_);
    const program::Instruction& last = head.instructions.back();
    head.places.resize(last.places_begin + last.places_count);
    head.slot_count = static_cast<uint32_t>(bound_);
    learn(std::move(head),
          {t->prefix.begin(), t->prefix.begin() + static_cast<std::ptrdiff_t>(position_)});
  }
  window_ended(hash, whole ? t : nullptr);
}

void Recorder::learn(program::Program program, std::vector<uint64_t> prefix) {
  const std::unique_ptr<Template> leaving =
      book_.keep(std::move(program), std::move(prefix), template_);
  if (leaving) {
    if (leaving->defined) push(dispatch::DropTemplate{leaving->id});
    if (leaving.get() == ended_) ended_ = nullptr;
    std::ranges::copy(ahead_.drop(leaving.get()), std::back_inserter(abandoned_));
  }
  counters_.templates = book_.size();
  book_.follows(last_hash_, book_.all().back().get());
}

// `followed`: the template that was followed to its end, else null.
void Recorder::window_ended(uint64_t hash, Template* followed) {
  ++counters_.windows;
  if (followed) {
    book_.follows(last_hash_, followed);
    if (!followed->reads.empty()) fetch_ahead(*followed, followed->size());
    ended_storages_ = slots_.storages();
  }
  ended_ = followed;
  last_hash_ = hash;
  mode_ = Mode::kStart;
  template_ = nullptr;
  slots_.clear();
}

// ---- reading

void Recorder::fetch_ahead(Template& t, size_t position) {
  for (const ReadRange& range : ahead_.due(t, position, slots_.storages())) {
    cut();
    const RequestId request = ++last_request_;
    push(dispatch::Read{request, {range}});
    ahead_.sent(request, range);
    ++counters_.pushed_reads;
  }
}

// What was fetched may be overwritten by the next node.
void Recorder::forget_fetched() {
  for (const RequestId request : ahead_.forget()) abandoned_.push_back(request);
}

RequestId Recorder::read(std::vector<ReadRange> ranges) {
  if (ranges.size() == 1) {
    if (const auto request = ahead_.take(ranges[0])) {
      ++counters_.pushed_hits;
      return *request;
    }
    const StorageId storage = ranges[0].storage;
    if (mode_ == Mode::kFollowing) {
      const auto slot = slots_.find(storage);
      if (slot) ahead_.remember(*template_, position_, *slot, ranges[0]);
    } else if (ended_) {
      const auto at = std::ranges::find(ended_storages_, storage);
      const auto slot = static_cast<uint32_t>(at - ended_storages_.begin());
      if (at != ended_storages_.end()) ahead_.remember(*ended_, ended_->size(), slot, ranges[0]);
    }
  }
  cut();
  const RequestId request = ++last_request_;
  push(dispatch::Read{request, std::move(ranges)});
  return request;
}

// ---- messages

void Recorder::upload(StorageId id, uint64_t storage_bytes, uint64_t offset, std::string bytes,
                      bool makes) {
  if (!makes) {
    if (!ahead_.empty()) forget_fetched();
    cut();
  }
  pending_bytes_ += bytes.size();
  push(dispatch::Upload{id, storage_bytes, offset, std::move(bytes)});
}

RequestId Recorder::ask(SignatureId signature, std::span<const StorageId> operands,
                        std::span<const uint64_t> words, StorageId first_result,
                        uint32_t results_max) {
  if (!ahead_.empty()) forget_fetched();
  cut();
  ++counters_.calls;
  cut_sequence_ = ++sequence_;
  const RequestId request = ++last_request_;
  push(dispatch::Ask{request,
                     sequence_,
                     signature,
                     {operands.begin(), operands.end()},
                     {words.begin(), words.end()},
                     first_result,
                     results_max});
  return request;
}

RequestId Recorder::marker(bool resets_peak, bool trims_memory) {
  cut();
  const RequestId request = ++last_request_;
  push(dispatch::Marker{request, resets_peak, trims_memory});
  return request;
}

void Recorder::cut() {
  if (mode_ == Mode::kFollowing) return cut_template();
  for (const StorageId id : std::exchange(early_frees_, {})) streamed_.free(id);
  cut_streamed();
}

void Recorder::cut_streamed() {
  if (streamed_.empty()) return;
  push(dispatch::Run{cut_sequence_ + 1, compiler::lower_streamed(std::move(streamed_))});
  streamed_.clear();
  cut_sequence_ = sequence_;
}

void Recorder::cut_template() {
  if (run_.begin == position_ && run_.releases.empty()) return;
  if (!std::exchange(template_->defined, true)) {
    push(dispatch::DefineTemplate{template_->id, template_->program});
  }
  const auto first = slots_.storages().begin();
  run_.id = template_->id;
  run_.first_sequence = cut_sequence_ + 1;
  run_.end = static_cast<uint32_t>(position_);
  run_.bindings.assign(first + static_cast<std::ptrdiff_t>(run_bound_),
                       first + static_cast<std::ptrdiff_t>(bound_));
  push(std::exchange(run_, {}));
  run_.begin = static_cast<uint32_t>(position_);
  run_bound_ = bound_;
  cut_sequence_ = sequence_;
}

std::vector<dispatch::Message> Recorder::take() {
  cut();
  pending_nodes_ = pending_bytes_ = 0;
  taken_step_ends_ = std::exchange(step_ends_, {});
  return std::exchange(out_, {});
}

std::string Recorder::describe(const graph::SignatureTable& signatures) const {
  std::string text;
  for (const auto& t : book_.all()) {
    text += "# template " + std::to_string(t->id) + ": " + std::to_string(t->size()) +
            " nodes, read at " + std::to_string(t->reads.size()) + " places\n" +
            program::print(t->program, signatures);
  }
  return text + "# not sent yet\n" + graph::print(streamed_, signatures);
}

}  // namespace moai::driver
