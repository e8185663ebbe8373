#include "moai/driver/stream/answers.h"

#include <algorithm>

namespace moai::driver {

using dispatch::RequestId;

namespace {
constexpr size_t kMarkersKept = 1 << 16;
constexpr size_t kWindowsKept = 256;
}  // namespace

void Answers::expect(RequestId request, size_t ranges) {
  const std::lock_guard lock(mutex_);
  const auto [it, fresh] = replies_.try_emplace(request);
  if (!fresh) return;
  Reply& reply = it->second;
  reply.frames.resize(ranges);
  missing_[request] = ranges;
  if (failed_.ok()) return;
  reply.status = failed_;
  reply.done = true;
}

void Answers::abandon(RequestId request) {
  const std::lock_guard lock(mutex_);
  const auto it = replies_.find(request);
  if (it == replies_.end()) return;
  if (!it->second.done) abandoned_[request] = std::max<size_t>(missing_[request], 1);
  replies_.erase(it);
  missing_.erase(request);
}

Reply* Answers::find(RequestId request) {
  const auto it = replies_.find(request);
  return it == replies_.end() || it->second.done ? nullptr : &it->second;
}

void Answers::finish(RequestId request, Reply* reply) {
  reply->done = true;
  missing_.erase(request);
  ++changes_;
  changed_.notify_all();
}

Status Answers::data(std::string frame) {
  const auto view = dispatch::data_view(frame);
  if (!view) return invalid_argument("[driver.answers] malformed data from the Worker");
  const RequestId request = view->request;
  const uint32_t range = view->range;
  const std::lock_guard lock(mutex_);
  if (const auto it = abandoned_.find(request); it != abandoned_.end()) {
    if (--it->second == 0) abandoned_.erase(it);
    return ok_status();
  }
  Reply* reply = find(request);
  if (!reply || range >= reply->frames.size() || !reply->frames[range].empty()) {
    return invalid_argument("[driver.answers] data that was not asked for: request " +
                            std::to_string(request) + ", range " + std::to_string(range));
  }
  reply->frames[range] = std::move(frame);
  if (--missing_[request] == 0) finish(request, reply);
  return ok_status();
}

Status Answers::answer(dispatch::Answer message) {
  const std::lock_guard lock(mutex_);
  if (abandoned_.erase(message.request)) return ok_status();
  Reply* reply = find(message.request);
  if (!reply || !reply->frames.empty()) {
    return invalid_argument("[driver.answers] an answer that was not asked for: request " +
                            std::to_string(message.request));
  }
  reply->values = std::move(message.results);
  finish(message.request, reply);
  return ok_status();
}

void Answers::reached(dispatch::Reached message) {
  const std::lock_guard lock(mutex_);
  markers_[message.request] = message;
  memory_ = message.memory;
  busy_ns_ = message.busy_ns;
  if (markers_.size() > kMarkersKept) markers_.erase(markers_.begin());
  ++changes_;
  changed_.notify_all();
}

void Answers::told(const dispatch::Memory& memory) {
  const std::lock_guard lock(mutex_);
  memory_ = memory;
}

uint64_t Answers::busy_ns() const {
  const std::lock_guard lock(mutex_);
  return busy_ns_;
}

dispatch::Memory Answers::memory() const {
  const std::lock_guard lock(mutex_);
  return memory_;
}

void Answers::window(const dispatch::WindowState& state) {
  const std::lock_guard lock(mutex_);
  windows_[state.id] = state;
  if (windows_.size() > kWindowsKept) windows_.erase(windows_.begin());
}

std::vector<dispatch::WindowState> Answers::windows() const {
  const std::lock_guard lock(mutex_);
  std::vector<dispatch::WindowState> all;
  for (const auto& [id, state] : windows_) all.push_back(state);
  return all;
}

std::optional<dispatch::Reached> Answers::marker(RequestId request) {
  const std::lock_guard lock(mutex_);
  const auto it = markers_.lower_bound(request);
  if (it == markers_.end()) return std::nullopt;
  return it->second;
}

void Answers::fault(const dispatch::Fault& message) {
  const std::lock_guard lock(mutex_);
  if (abandoned_.erase(message.request)) return;
  if (Reply* reply = message.request ? find(message.request) : nullptr) {
    reply->status = Status(message.code, message.text);
    reply->fault = message;
    finish(message.request, reply);
    return;
  }
  if (!fault_) fault_ = message;
  ++changes_;
  changed_.notify_all();
}

void Answers::fail(const Status& status) {
  const std::lock_guard lock(mutex_);
  if (!failed_.ok()) return;
  failed_ = status;
  for (auto& [request, reply] : replies_) {
    if (reply.done) continue;
    reply.status = status;
    reply.done = true;
  }
  missing_.clear();
  abandoned_.clear();
  ++changes_;
  changed_.notify_all();
}

bool Answers::done(RequestId request) {
  const std::lock_guard lock(mutex_);
  const auto it = replies_.find(request);
  return it == replies_.end() || it->second.done;
}

Reply Answers::take(RequestId request) {
  const std::lock_guard lock(mutex_);
  const auto it = replies_.find(request);
  if (it == replies_.end()) {
    return {.done = true, .status = internal_error("[driver.answers] a reply was taken twice")};
  }
  Reply reply = std::move(it->second);
  replies_.erase(it);
  return reply;
}

std::optional<dispatch::Fault> Answers::take_fault() {
  const std::lock_guard lock(mutex_);
  return std::exchange(fault_, std::nullopt);
}

bool Answers::has_fault() {
  const std::lock_guard lock(mutex_);
  return fault_.has_value();
}

uint64_t Answers::changes() {
  const std::lock_guard lock(mutex_);
  return changes_;
}

uint64_t Answers::wait(uint64_t seen, std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most, [&] { return changes_ != seen; });
  return changes_;
}

void Answers::notify() {
  const std::lock_guard lock(mutex_);
  ++changes_;
  changed_.notify_all();
}

}  // namespace moai::driver
