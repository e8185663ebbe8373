#include "moai/comm/collective/lane.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "moai/comm/link/wait.h"

namespace moai::comm {
namespace {

using std::chrono::steady_clock;

// What certainly fits into the buffers between two processes.
constexpr uint64_t kFramesAhead = 16;
constexpr uint64_t kBytesAhead = 64 * 1024;
constexpr size_t kFiledBytesMax = size_t{64} << 20;  // then only what is waited for is read
constexpr std::chrono::milliseconds kWithdrawWithin{1000};

}  // namespace

Lane::Lane(std::unique_ptr<Link> link, int peer, const GroupOptions& options)
    : link_(std::move(link)),
      peer_(peer),
      patience_(options.patience),
      arrival_(std::min(options.arrival, options.patience)),
      outbox_([this](auto parts) { return link_->send(parts, patience_); }) {}

Lane::~Lane() {
  if (::getpid() == owner_) link_->close();
}

Status Lane::send(FrameHeader header, std::string_view content, Outbox::Content kind) {
  header.frames_taken = frames_taken_.load(std::memory_order_relaxed);
  header.bytes_taken = bytes_taken_.load(std::memory_order_relaxed);
  const uint64_t group = header.group;
  std::string head = encode(header);
  const uint64_t bytes = head.size() + content.size();
  const uint64_t frames_ahead = ++frames_sent_ - peer_frames_taken_;
  const uint64_t bytes_ahead = (bytes_sent_ += bytes) - peer_bytes_taken_;
  const bool at_once = frames_ahead <= kFramesAhead && bytes_ahead <= kBytesAhead;
  const Status status = outbox_.send(group, at_once, std::move(head), content, kind);
  return status.ok() ? status : why_unsent(group, status);
}

Status Lane::flush(uint64_t group, size_t bytes, const Interrupt& interrupt) {
  const Status status = outbox_.flush(bytes, steady_clock::now() + patience_, interrupt);
  return status.code() == Code::kUnavailable ? why_unsent(group, status) : status;
}

// A peer that takes nothing may have said why before.
Status Lane::why_unsent(uint64_t group, const Status& status) {
  MOAI_RETURN_IF_ERROR(listen(group));
  const std::lock_guard lock(mutex_);
  if (left_.contains(group)) return has_left();
  return {status.code(), "[comm.collective] cannot send to rank " + std::to_string(peer_) + ": " +
                             status.message()};
}

Status Lane::has_left() const {
  return unavailable("[comm.collective] rank " + std::to_string(peer_) +
                     " has left the group; all ranks must make the same calls");
}

void Lane::withdraw(uint64_t group) {
  if (outbox_.withdraw(group, kWithdrawWithin)) return;
  link_->close();
  while (!outbox_.withdraw(group, kWithdrawWithin)) continue;
}

Status Lane::verdict(uint64_t group) const {
  if (const auto failed = failed_.find(group); failed != failed_.end()) return failed->second;
  if (broken_.ok() || left_.contains(group)) return ok_status();
  return unavailable(
      "[comm.collective] rank " + std::to_string(peer_) + " (" + link_->peer() +
      ") is gone; its log says why, and the job must be started again: " + broken_.message());
}

void Lane::file(std::string frame) {
  const size_t bytes = frame.size();
  auto decoded = decode_frame(frame);
  if (!decoded) {
    broken_ = data_loss("[comm.collective] a frame of " + std::to_string(bytes) +
                        " bytes that no rank sends; does the peer speak this protocol?");
    return;
  }
  FrameHeader& header = decoded->header;
  frames_taken_ += 1;
  bytes_taken_ += bytes;
  peer_frames_taken_ = header.frames_taken;
  peer_bytes_taken_ = header.bytes_taken;
  const uint64_t group = header.group;
  if (forgotten_.contains(group)) return;
  if (header.kind == FrameKind::kLeave) {
    left_.insert(group);
  } else if (header.kind == FrameKind::kAbort) {
    failed_.emplace(group, Status(header.code, frame.substr(decoded->content_at)));
  } else {
    const bool mail = header.kind == FrameKind::kMail;
    const Key key = {group, mail, mail ? header.number : 0};
    filed_bytes_ += bytes;
    filed_[key].push_back({std::move(header), std::move(frame), decoded->content_at});
  }
}

// Reads one frame, without the lock. What `interrupt` said when it ended the wait.
Status Lane::read(std::unique_lock<std::mutex>* lock, Deadline deadline,
                  const Interrupt& interrupt) {
  Status interrupted;
  reading_ = true;
  lock->unlock();
  auto frame =
      link_->receive(deadline, [&] { return interrupted = interrupt ? interrupt() : ok_status(); });
  lock->lock();
  reading_ = false;
  if (frame.ok()) {
    file(*std::move(frame));
  } else if (interrupted.ok() && frame.status().code() != Code::kDeadlineExceeded) {
    broken_ = frame.status();
  }
  changed_.notify_all();
  return interrupted;
}

// Leaves the reading to the thread that does it.
Status Lane::wait(std::unique_lock<std::mutex>* lock, const Interrupt& interrupt) {
  changed_.wait_for(*lock, kInterruptEvery);
  lock->unlock();
  const Status interrupted = interrupt ? interrupt() : ok_status();
  lock->lock();
  return interrupted;
}

Status Lane::late() const {
  return deadline_exceeded(
      "[comm.collective] rank " + std::to_string(peer_) + " (" + link_->peer() + ") " +
      (frames_taken_ ? "made no progress" : "has not joined") + " for " +
      std::to_string(silence().count()) + " ms; is it stopped, or does it not make this call?");
}

Result<Letter> Lane::take(uint64_t group, bool mail, uint64_t tag, const Interrupt& interrupt) {
  const Key key = {group, mail, tag};
  const auto start = steady_clock::now();
  std::unique_lock lock(mutex_);
  while (true) {
    const auto deadline = start + silence();
    if (const auto found = filed_.find(key); found != filed_.end()) {
      Letter letter = std::move(found->second.front());
      found->second.pop_front();
      if (found->second.empty()) filed_.erase(found);
      filed_bytes_ -= letter.frame.size();
      return letter;
    }
    MOAI_RETURN_IF_ERROR(verdict(group));
    if (left_.contains(group)) return has_left();
    if (steady_clock::now() >= deadline) return late();
    MOAI_RETURN_IF_ERROR(reading_ ? wait(&lock, interrupt) : read(&lock, deadline, interrupt));
  }
}

Status Lane::listen(uint64_t group) {
  std::unique_lock lock(mutex_);
  while (!reading_ && broken_.ok() && filed_bytes_ < kFiledBytesMax && link_->readable()) {
    read(&lock, Deadline::min(), {}).ignore("there is no interrupt");
  }
  return verdict(group);
}

std::string Lane::first_operation(uint64_t group) {
  const std::lock_guard lock(mutex_);
  const auto found = filed_.find({group, false, 0});
  return found == filed_.end() ? std::string() : found->second.front().header.operation;
}

void Lane::forget(uint64_t group) {
  const std::lock_guard lock(mutex_);
  forgotten_.insert(group);
  failed_.erase(group);
  left_.erase(group);
  std::erase_if(filed_, [&](const auto& entry) {
    if (std::get<0>(entry.first) != group) return false;
    for (const Letter& letter : entry.second) filed_bytes_ -= letter.frame.size();
    return true;
  });
}

}  // namespace moai::comm
