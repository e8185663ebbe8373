#include "moai/driver/rehearsal/rehearsal.h"

#include <cstring>

#include "moai/base/file.h"
#include "moai/base/log.h"
#include "moai/driver/rehearsal/empty_answer.h"

namespace moai::driver {

bool Rehearsal::complete() const {
  const std::lock_guard lock(mutex_);
  return ended_steps_ >= options_.rehearsal_steps;
}

StorageId Rehearsal::next_storage(uint64_t count) {
  const std::lock_guard lock(mutex_);
  const StorageId first = next_storage_;
  next_storage_ += count;
  return first;
}

// Where to record; null when the recording is complete.
graph::RecordedWindow* Rehearsal::current() {
  ++version_;
  return ended_steps_ >= options_.rehearsal_steps ? nullptr : &recording_.windows.back();
}

void Rehearsal::alloc(StorageId id, uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  if (auto* w = current()) w->window.alloc(id, size_bytes);
}

void Rehearsal::resize(StorageId id, uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  if (auto* w = current()) w->window.resize(id, size_bytes);
}

void Rehearsal::free(StorageId id) {
  const std::lock_guard lock(mutex_);
  if (auto* w = current()) w->window.free(id);
}

Status Rehearsal::append(SignatureId signature, std::span<const StorageId> storages,
                         std::span<const uint64_t> words, LineId line) {
  const std::lock_guard lock(mutex_);
  graph::RecordedWindow* w = current();
  if (!w) return ok_status();
  note_line(line);
  w->window.call(signature, storages, words, line);
  return ok_status();
}

void Rehearsal::note_line(LineId line) {
  std::vector<std::string>& lines = recording_.lines;
  if (line == 0 || !options_.line_text) return;
  if (lines.size() <= line) lines.resize(line + 1);
  if (lines[line].empty()) lines[line] = options_.line_text(line);
}

Status Rehearsal::upload(StorageId id, uint64_t storage_bytes, uint64_t offset,
                         std::string_view bytes, bool) {
  const std::lock_guard lock(mutex_);
  if (auto* w = current()) {
    w->uploads.push_back({w->window.nodes.size(), id, storage_bytes, offset, bytes.size()});
  }
  return ok_status();
}

void Rehearsal::step_end() {
  const std::lock_guard lock(mutex_);
  if (ended_steps_ >= options_.rehearsal_steps) return;
  if (++ended_steps_ < options_.rehearsal_steps) {
    recording_.windows.emplace_back();
  } else {
    outcome_ = write();
  }
}

uint64_t Rehearsal::marker(MarkerActions) {
  const std::lock_guard lock(mutex_);
  return ++version_;
}

void Rehearsal::waits_at(LineId line) {
  const std::lock_guard lock(mutex_);
  waiting_ = line;
}

Status Rehearsal::read(std::span<const ReadInto> ranges, const Interrupt&) {
  const std::lock_guard lock(mutex_);
  for (const ReadInto& r : ranges) std::memset(r.out, 0, r.size);
  tell(waiting_, "nothing is computed: a value that is read is 0");
  return ok_status();
}

// Once for each line.
void Rehearsal::tell(LineId line, const std::string& what) {
  if (!told_.insert(line).second) return;
  const std::string where = options_.line_text ? options_.line_text(line) : std::string();
  log_warning("[driver.rehearsal] " + what + (where.empty() ? "" : ", at " + where));
}

Result<std::vector<dispatch::Value>> Rehearsal::ask(SignatureId signature,
                                                    std::span<const StorageId>,
                                                    std::span<const uint64_t>, StorageId next,
                                                    uint32_t, LineId line, const Interrupt&) {
  const ops::CallSignature call = signatures_.at(signature).signature();
  const std::string what =
      "what " + call.op + " returns depends on values, and nothing is computed";
  if (auto answer = empty_answer(call)) {
    const std::lock_guard lock(mutex_);
    tell(line, what + ": nothing is found");
    for (dispatch::Value& v : *answer) {
      v.storage_bytes = static_cast<uint64_t>(tensor::storage_bytes(v.geometry));
      if (v.kind != dispatch::Value::Kind::kTensor || v.storage_bytes == 0) continue;
      v.storage = next++;
      if (auto* w = current()) w->window.alloc(v.storage, v.storage_bytes);
    }
    return std::move(*answer);
  }
  const std::string where = options_.line_text ? options_.line_text(line) : std::string();
  return unimplemented("[driver.rehearsal] " + what + (where.empty() ? "" : ": " + where));
}

Result<MarkerState> Rehearsal::reached(uint64_t, bool, const Interrupt&) {
  return MarkerState{.reached = true};
}

uint64_t Rehearsal::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

Statistics Rehearsal::statistics() const {
  const std::lock_guard lock(mutex_);
  Statistics s;
  for (const graph::RecordedWindow& w : recording_.windows) s.calls += w.window.nodes.size();
  s.windows = recording_.windows.size();
  return s;
}

std::string Rehearsal::describe_windows() const {
  const std::lock_guard lock(mutex_);
  return print(recording_, signatures_);
}

Status Rehearsal::write() {
  written_ = true;
  return write_file(options_.rehearsal_path, print(recording_, signatures_));
}

Status Rehearsal::shutdown(bool, const Interrupt&) {
  const std::lock_guard lock(mutex_);
  if (!written_) outcome_ = write();
  return outcome_;
}

}  // namespace moai::driver
