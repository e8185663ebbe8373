#include "moai/driver/mesh/gathering.h"

#include <algorithm>
#include <cstring>

namespace moai::driver {
namespace {

// Whether a rank failed by itself: another tells that a call it makes together with others ended.
bool is_cause(const dispatch::Fault& f) { return !f.op.starts_with("moai::"); }

}  // namespace

void Gathering::expect(Request request, const std::vector<size_t>& rank_ranges) {
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (request.at_rank[rank] == 0 || is_marker(request)) continue;
    ranks_[rank]->answers().expect(request.at_rank[rank],
                                   rank_ranges.empty() ? 0 : rank_ranges[rank]);
  }
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }
  answers_.notify();  // who waits may listen to a rank now
}

bool Gathering::has_answered(const Request& r, size_t rank) const {
  const dispatch::RequestId id = r.at_rank[rank];
  Answers& answers = ranks_[rank]->answers();
  return id == 0 || (is_marker(r) ? answers.marker(id).has_value() : answers.done(id));
}

bool Gathering::complete(const Request& r) const {
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (!has_answered(r, rank)) return false;
  }
  return true;
}

bool Gathering::fold() {
  const std::lock_guard lock(mutex_);
  answers_.told(memory());
  bool any = false;
  for (; !requests_.empty() && complete(requests_.front()); any = true) {
    fold_faults(requests_.front().sequence);
    finish(requests_.front());
    requests_.pop_front();
  }
  return any;
}

// `up_to`: the script's newest call that the request stands behind.
void Gathering::fold_faults(uint64_t up_to) {
  for (const auto& rank : ranks_) {
    while (auto fault = rank->answers().take_fault()) {
      failed_ = true;
      fault->sequence = rank->sequence_of(fault->sequence);
      // Of what was told when another rank's request was complete: the same error, or its effect.
      if (fault->sequence != 0 && fault->sequence <= told_up_to_) continue;
      if (!fault_ || (is_cause(*fault) && !is_cause(*fault_))) fault_ = std::move(fault);
    }
  }
  if (!fault_) return;
  told_up_to_ = std::max(told_up_to_, up_to);
  answers_.fault(*std::exchange(fault_, std::nullopt));
}

void Gathering::finish_marker(const Request& r) {
  using Kind = Request::Kind;
  std::vector<dispatch::Reached> at;
  std::vector<uint64_t> busy_ns;
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    at.push_back(*ranks_[rank]->answers().marker(r.at_rank[rank]));
    busy_ns.push_back(at.back().busy_ns);
  }
  if (r.kind == Kind::kStepBegin) return clock_.began(std::move(busy_ns));
  if (r.kind == Kind::kStepEnd) return clock_.ended(busy_ns);
  if (r.kind == Kind::kPlanEnd) {
    earlier_peaks_.resize(ranks_.size());
    for (size_t rank = 0; rank < ranks_.size(); ++rank) {
      earlier_peaks_[rank] = std::max(earlier_peaks_[rank], at[rank].memory.peak_bytes);
    }
  }
  if (r.kind != Kind::kMarker) return;
  if (r.resets_peak) earlier_peaks_.clear();
  answers_.reached({.request = r.request,
                    .sequence = r.sequence,
                    .time_ns = at[0].time_ns,  // clocks of hosts differ
                    .busy_ns = *std::ranges::max_element(busy_ns),
                    .memory = memory()});
}

void Gathering::finish(const Request& r) {
  if (is_marker(r)) return finish_marker(r);
  std::vector<Reply> replies(ranks_.size());
  std::optional<dispatch::Fault> fault;
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (r.at_rank[rank] == 0) continue;
    replies[rank] = ranks_[rank]->answers().take(r.at_rank[rank]);
    if (replies[rank].status.ok()) continue;
    dispatch::Fault said = replies[rank].fault;
    if (said.text.empty()) {
      said.code = replies[rank].status.code();
      said.text = replies[rank].status.message();
    }
    said.sequence = ranks_[rank]->sequence_of(said.sequence);
    if (!fault || (is_cause(said) && !is_cause(*fault))) fault = said;
  }
  if (fault) {
    failed_ = true;
    told_up_to_ = std::max(told_up_to_, r.sequence);
    fault->request = r.request;
    return answers_.fault(*fault);
  }
  if (r.kind == Request::Kind::kRead) return finish_read(r, std::move(replies));
  for (const dispatch::Value& v : replies[0].values) note_made(v);
  answers_.answer({r.request, std::move(replies[0].values)})
      .ignore("the script gave it up, or it was expected");
}

void Gathering::finish_read(const Request& r, std::vector<Reply> replies) {
  std::vector<std::string> frames(r.range_bytes.size());
  std::vector<size_t> header(frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    dispatch::data_header(r.request, static_cast<uint32_t>(i), r.range_bytes[i], &frames[i]);
    header[i] = frames[i].size();
    frames[i].resize(header[i] + r.range_bytes[i]);
  }
  for (const Copy& c : r.copies) {
    const auto view = dispatch::data_view(replies[c.rank].frames[c.rank_range]);
    if (!view || view->bytes.size() < c.from + c.size) {
      return answers_.fault({.request = r.request,
                             .code = Code::kInternal,
                             .text = "[driver.mesh] " + ranks_[c.rank]->name() + " sent " +
                                     std::to_string(view ? view->bytes.size() : 0) +
                                     " bytes instead of " + std::to_string(c.from + c.size)});
    }
    std::memcpy(frames[c.range].data() + header[c.range] + c.to, view->bytes.data() + c.from,
                c.size);
  }
  for (std::string& frame : frames) {
    answers_.data(std::move(frame)).ignore("the script gave it up, or it was expected");
  }
}

// As if every rank were as full as the fullest: what a script compares with the memory of all
// devices together is used up exactly where a rank has no more.
dispatch::Memory Gathering::memory() const {
  dispatch::Memory most;
  for (const auto& rank : ranks_) {
    const dispatch::Memory m = rank->answers().memory();
    most.allocated_bytes = std::max(most.allocated_bytes, m.allocated_bytes);
    most.peak_bytes = std::max(most.peak_bytes, m.peak_bytes);
    most.reserved_bytes = std::max(most.reserved_bytes, m.reserved_bytes);
  }
  for (const uint64_t peak : earlier_peaks_) most.peak_bytes = std::max(most.peak_bytes, peak);
  const uint64_t ranks = ranks_.size();
  return {most.allocated_bytes * ranks, most.peak_bytes * ranks, most.reserved_bytes * ranks};
}

uint64_t Gathering::peak_bytes() const {
  uint64_t most = 0;
  for (const auto& rank : ranks_) most = std::max(most, rank->answers().memory().peak_bytes);
  return most;
}

std::optional<size_t> Gathering::awaited() const {
  const std::lock_guard lock(mutex_);
  if (requests_.empty()) return std::nullopt;
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (!has_answered(requests_.front(), rank)) return rank;
  }
  return std::nullopt;
}

void Gathering::note_made(const dispatch::Value& v) {
  if (v.kind == dispatch::Value::Kind::kTensor && !v.written_argument) {
    made_.emplace_back(v.storage, v.storage_bytes);
  }
  for (const dispatch::Value& item : v.items) note_made(item);
}

std::vector<std::pair<StorageId, uint64_t>> Gathering::take_made() {
  const std::lock_guard lock(mutex_);
  return std::exchange(made_, {});
}

bool Gathering::take_failed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(failed_, false);
}

}  // namespace moai::driver
