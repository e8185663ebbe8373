#include "moai/driver/mesh/gathering.h"

#include <cstring>

namespace moai::driver {
namespace {

// Whether a rank failed by itself: another tells that a call it makes together with others ended.
bool is_cause(const dispatch::Fault& f) { return !f.op.starts_with("moai::"); }

}  // namespace

void Gathering::expect(Request request, const std::vector<size_t>& rank_ranges) {
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (request.at_rank[rank] == 0 || request.kind == Request::Kind::kMarker) continue;
    ranks_[rank]->answers().expect(request.at_rank[rank],
                                   rank_ranges.empty() ? 0 : rank_ranges[rank]);
  }
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }
  answers_.notify();  // who waits may listen to a rank now
}

bool Gathering::complete(const Request& r) const {
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    const dispatch::RequestId id = r.at_rank[rank];
    if (id == 0) continue;
    Answers& answers = ranks_[rank]->answers();
    const bool done =
        r.kind == Request::Kind::kMarker ? answers.marker(id).has_value() : answers.done(id);
    if (!done) return false;
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

void Gathering::finish(const Request& r) {
  if (r.kind == Request::Kind::kMarker) {
    dispatch::Reached reached{.request = r.request, .sequence = r.sequence};
    for (size_t rank = 0; rank < ranks_.size(); ++rank) {
      const auto at = ranks_[rank]->answers().marker(r.at_rank[rank]);
      reached.busy_ns = std::max(reached.busy_ns, at->busy_ns);
      if (rank == 0) reached.time_ns = at->time_ns;  // clocks of hosts differ
    }
    reached.memory = memory();
    return answers_.reached(reached);
  }
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

dispatch::Memory Gathering::memory() const {
  dispatch::Memory sum;
  for (const auto& rank : ranks_) {
    const dispatch::Memory m = rank->answers().memory();
    sum.allocated_bytes += m.allocated_bytes;
    sum.peak_bytes += m.peak_bytes;
    sum.reserved_bytes += m.reserved_bytes;
  }
  return sum;
}

std::optional<size_t> Gathering::awaited() const {
  const std::lock_guard lock(mutex_);
  if (requests_.empty()) return std::nullopt;
  const Request& r = requests_.front();
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (r.at_rank[rank] == 0) continue;
    Answers& answers = ranks_[rank]->answers();
    const bool done = r.kind == Request::Kind::kMarker ? answers.marker(r.at_rank[rank]).has_value()
                                                       : answers.done(r.at_rank[rank]);
    if (!done) return rank;
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
