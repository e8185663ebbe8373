#include "moai/worker/exec/window_runner.h"

#include <algorithm>
#include <utility>

#include "moai/base/log.h"
#include "moai/base/profile.h"

namespace moai::worker {
namespace {

using profile::now_ns;

}  // namespace

void WindowRunner::ask() {
  if (asked_) return;
  if (site_ && !site_->folder.empty()) {
    asked_ = true;
    return;
  }
  const std::string why = site_ ? site_->why_not : "this Worker has no compile service";
  log_info("nothing is compiled: " + why);
  replies_.send(
      dispatch::WindowState{.phase = dispatch::WindowState::Phase::kDropped, .text = why});
}

void WindowRunner::forget(dispatch::TemplateId id) {
  const auto found = windows_.find(id);
  if (found == windows_.end()) return;
  if (current_ && current_->id == id) current_.reset();
  if (before_ == &found->second->window) before_ = nullptr;
  windows_.erase(found);
}

// ---- parts

Status WindowRunner::before(const dispatch::Message& next) {
  if (!current_ || current_->held.empty()) return ok_status();
  if (const auto* part = std::get_if<dispatch::RunTemplate>(&next)) {
    if (part->id == current_->id && part->begin == current_->end) return ok_status();
  }
  if (std::holds_alternative<dispatch::DefineSignatures>(next)) return ok_status();
  if (std::holds_alternative<dispatch::Ping>(next)) return ok_status();
  current_->window->cut();
  return interpret_held();
}

// One that makes a storage goes ahead: what is held does not know it.
Status WindowRunner::before_upload(StorageId storage) {
  if (!current_ || current_->held.empty()) return ok_status();
  const auto bound = templates_.bound();
  const bool new_one =
      !stream_.storages().find(storage) && std::ranges::find(bound, storage) == bound.end();
  if (new_one) return ok_status();
  current_->window->cut();
  return interpret_held();
}

Status WindowRunner::run(const Template& t, dispatch::RunTemplate part) {
  if (part.begin == 0) start(t, part);
  if (!current_ || current_->id != part.id || current_->end != part.begin) {
    current_.reset();
    return interpret_(t, part);
  }
  note(part);
  const bool whole = part.end == t.program.instructions.size();
  if (current_->holds) {
    current_->held.push_back(std::move(part));
    return whole ? finish_held() : ok_status();
  }
  const uint64_t began = now_ns();
  MOAI_RETURN_IF_ERROR(interpret_(t, part));
  current_->executed_ns += now_ns() - began;
  return whole ? finish_interpreted() : ok_status();
}

void WindowRunner::start(const Template& t, const dispatch::RunTemplate& part) {
  const uint64_t now = now_ns();
  auto& known = windows_[part.id];
  if (!known) {
    known = std::make_unique<Known>(
        CompiledWindow(part.id, t.program, stream_.signatures(), *site_, &replies_));
  }
  CompiledWindow& window = known->window;
  if (before_ == &window) window.period(before_compiled_, now - before_begun_ns_);
  before_ = nullptr;
  if (window.phase() == CompiledWindow::Phase::kDropped) {
    current_.reset();
    return;
  }
  current_ = Current{.id = part.id,
                     .t = &t,
                     .known = known.get(),
                     .window = &window,
                     .holds = window.wants_whole_run(),
                     .begun_ns = now,
                     .first_sequence = part.first_sequence};
  current_->seen.released.resize(t.program.slot_count);
  current_->seen.input_bytes.resize(t.program.slot_count);
}

// Takes what must be known of the run before it is executed.
void WindowRunner::note(const dispatch::RunTemplate& part) {
  Instance& seen = current_->seen;
  seen.words.insert(seen.words.end(), part.words.begin(), part.words.end());
  const auto bound = templates_.bound();
  const std::vector<bool>& made = current_->window->seen().made();
  for (size_t slot = bound.size() - part.bindings.size(); slot < bound.size(); ++slot) {
    const Storage* storage = made[slot] ? nullptr : stream_.storages().find(bound[slot]);
    seen.input_bytes[slot] = storage && storage->buffer ? storage->buffer->size_bytes() : 0;
    if (bound[slot] == 0) seen.released[slot] = true;  // no storage: nothing to keep
  }
  for (const dispatch::Release& release : part.releases) {
    int32_t slot = slot_of(release.storage, current_->freed.size());
    // A graph that is replayed releases a storage and makes it anew: this is the one before.
    if (slot != kUnused && made[slot] && release.before <= first_use(slot)) slot = kUnused;
    if (slot != kUnused) seen.released[static_cast<size_t>(slot)] = true;
    current_->freed.push_back({release.storage, slot});
  }
  current_->end = part.end;
}

// The instruction that uses a slot first.
uint32_t WindowRunner::first_use(int32_t slot) const {
  const std::vector<uint32_t>& before = current_->t->slots_before;
  const auto after = std::ranges::upper_bound(before, static_cast<uint32_t>(slot));
  return static_cast<uint32_t>(after - before.begin()) - 1;
}

// The slot of the storage that is released as the n-th of the run.
int32_t WindowRunner::slot_of(StorageId storage, size_t nth) const {
  const auto bound = templates_.bound();
  std::vector<int32_t>& expected = current_->known->released;
  if (nth >= expected.size()) expected.resize(nth + 1, kUnused);
  const auto likely = static_cast<size_t>(expected[nth]);
  if (expected[nth] != kUnused && likely < bound.size() && bound[likely] == storage) {
    return expected[nth];
  }
  const auto at = std::ranges::find(bound, storage);
  expected[nth] = at == bound.end() ? kUnused : static_cast<int32_t>(at - bound.begin());
  return expected[nth];
}

Status WindowRunner::interpret_held() {
  current_->holds = false;
  const uint64_t began = now_ns();
  for (const dispatch::RunTemplate& part : std::exchange(current_->held, {})) {
    MOAI_RETURN_IF_ERROR(interpret_(*current_->t, part));
  }
  current_->executed_ns += now_ns() - began;
  return ok_status();
}

// ---- whole runs

uint64_t WindowRunner::last_sequence() const {
  return current_->first_sequence + current_->window->seen().calls() - 1;
}

Status WindowRunner::finish_interpreted() {
  const Current done = std::move(*current_);
  current_.reset();
  if (!done.window->has_package()) {
    done.window->interpreted(done.seen);
    return ok_status();
  }
  if (done.window->wants_whole_run()) return ok_status();  // it was cut in its midst
  before_ = done.window;
  before_compiled_ = false;
  before_begun_ns_ = done.begun_ns;
  done.window->tried(false, done.executed_ns, 0);
  return ok_status();
}

Status WindowRunner::finish_held() {
  current_->window->came_whole();
  if (!fits()) {
    const Status status = interpret_held();
    current_.reset();
    return status;
  }
  const Status status =
      current_->window->phase() == CompiledWindow::Phase::kUnchecked ? compare() : run_compiled();
  outputs_.clear();
  current_.reset();
  return status;
}

// Whether the package computes this run. Fills `inputs_`.
bool WindowRunner::fits() {
  CompiledWindow& window = *current_->window;
  const PackageLayout& layout = window.package().layout();
  if (stream_.skips() || !window.seen().fits(current_->seen, layout)) return false;
  const auto bound = templates_.bound();
  inputs_.clear();
  for (const PackageLayout::Item& input : layout.inputs) {
    if (input.at >= bound.size()) return false;
    const Storage* storage = stream_.storages().find(bound[input.at]);
    if (!storage || storage->poison || !storage->buffer) return false;
    if (storage->buffer->size_bytes() !=
        static_cast<uint64_t>(tensor::storage_bytes(input.geometry))) {
      return false;
    }
    inputs_.push_back(storage->buffer.get());
  }
  return std::ranges::all_of(layout.outputs, [&](const auto& o) { return o.at < bound.size(); });
}

// Fills `outputs_`. Nothing: the run has to be interpreted.
std::optional<Status> WindowRunner::compute(bool on_copies) {
  Package& package = current_->window->package();
  outputs_.clear();
  outputs_.resize(package.layout().outputs.size());
  const Status status = package.run(inputs_, current_->seen.words, on_copies, outputs_);
  if (status.ok()) return status;
  outputs_.clear();
  // Memory may be short for once: outputs lie beside what they replace.
  if (status.code() != Code::kResourceExhausted) current_->window->drop(status.message());
  return std::nullopt;
}

Status WindowRunner::compare() {
  const bool computed = compute(true).has_value();
  const auto last = last_sequence();
  MOAI_RETURN_IF_ERROR(interpret_held());
  if (!computed) return ok_status();
  const Status status = agreement();
  if (status.code() == Code::kUnavailable) return ok_status();
  current_->window->compared(status, last);
  return ok_status();
}

// UNAVAILABLE when the interpreted run has failed.
Status WindowRunner::agreement() {
  Package& package = current_->window->package();
  const auto bound = templates_.bound();
  std::vector<device::Buffer*> interpreted;
  for (const PackageLayout::Item& output : package.layout().outputs) {
    const Storage* storage = stream_.storages().find(bound[output.at]);
    if (storage && (storage->poison || !storage->buffer)) return unavailable("the run failed");
    interpreted.push_back(storage ? storage->buffer.get() : nullptr);  // null: it was released
  }
  return package.agrees(interpreted, outputs_);
}

Status WindowRunner::run_compiled() {
  CompiledWindow& window = *current_->window;
  const uint64_t began = now_ns();
  MOAI_RETURN_IF_ERROR(release(false));
  if (!compute(false)) {
    forget_released();
    return interpret_held();
  }
  MOAI_RETURN_IF_ERROR(store());
  MOAI_RETURN_IF_ERROR(release(true));
  const uint64_t last = last_sequence();
  stream_.pass_to(last);
  before_ = &window;
  before_compiled_ = true;
  before_begun_ns_ = current_->begun_ns;
  window.tried(true, now_ns() - began, last);
  return ok_status();
}

// The outputs become the content of their storages.
Status WindowRunner::store() {
  const PackageLayout& layout = current_->window->package().layout();
  const auto bound = templates_.bound();
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const StorageId id = bound[layout.outputs[i].at];
    const bool made = current_->window->seen().made()[layout.outputs[i].at];
    Storage* storage = made ? stream_.storages().insert(id, outputs_[i]->size_bytes())
                            : stream_.storages().find(id);
    if (!storage) {
      return invalid_argument("[worker.window] made twice: storage " + std::to_string(id));
    }
    storage->buffer = std::move(outputs_[i]);
  }
  return ok_status();
}

// Frees the storages that the run uses, or the others. What it makes and does not keep was never
// there.
Status WindowRunner::release(bool used) {
  const std::vector<bool>& made = current_->window->seen().made();
  for (const Freed& freed : current_->freed) {
    if ((freed.slot != kUnused) != used) continue;
    const bool was_made = used && made[static_cast<size_t>(freed.slot)];
    if (was_made && !stream_.storages().find(freed.storage)) continue;
    MOAI_RETURN_IF_ERROR(stream_.free(freed.storage));
  }
  return ok_status();
}

// Takes what release(false) has freed out of the parts.
void WindowRunner::forget_released() {
  const auto bound = templates_.bound();
  for (dispatch::RunTemplate& part : current_->held) {
    std::erase_if(part.releases, [&](const dispatch::Release& r) {
      return std::ranges::find(bound, r.storage) == bound.end();
    });
  }
}

}  // namespace moai::worker
