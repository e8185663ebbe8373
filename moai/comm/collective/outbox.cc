#include "moai/comm/collective/outbox.h"

#include <algorithm>
#include <array>
#include <utility>

#include "moai/comm/link/wait.h"

namespace moai::comm {

using std::chrono::steady_clock;

Outbox::~Outbox() {
  if (::getpid() != owner_) {
    thread_.release();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  if (thread_) thread_->join();
}

Status Outbox::send(uint64_t sender, bool at_once, std::string head, std::string_view content,
                    Content kind) {
  auto message = std::make_unique<Message>();
  message->sender = sender;
  message->head = std::move(head);
  std::unique_lock lock(mutex_);
  if (!broken_.ok()) return broken_;
  bytes_ += content.size();
  if (at_once && !writing_ && waiting_.empty()) {
    writing_ = true;
    message->content = content;
    lock.unlock();
    const Status status = write_(std::array<std::string_view, 2>{message->head, content});
    lock.lock();
    finished(*message, status);
    return status;
  }
  message->borrowed = kind == Content::kBorrowed;
  if (!message->borrowed) message->copy = content;
  message->content = message->borrowed ? content : std::string_view(message->copy);
  waiting_.push_back(std::move(message));
  if (!thread_) thread_ = std::make_unique<std::thread>([this] { run(); });
  changed_.notify_all();
  return ok_status();
}

// With the lock held.
void Outbox::finished(const Message& message, const Status& status) {
  writing_ = false;
  borrowed_ = nullptr;
  bytes_ -= message.content.size();
  if (!status.ok() && broken_.ok()) {
    broken_ = status;
    waiting_.clear();
    bytes_ = 0;
  }
  changed_.notify_all();
}

void Outbox::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || (!waiting_.empty() && !writing_); });
    if (stop_) return;
    const std::unique_ptr<Message> message = std::move(waiting_.front());
    waiting_.pop_front();
    writing_ = true;
    if (message->borrowed) borrowed_ = message.get();
    lock.unlock();
    const Status status = write_(std::array<std::string_view, 2>{message->head, message->content});
    lock.lock();
    finished(*message, status);
  }
}

Status Outbox::flush(size_t bytes, Deadline deadline, const Interrupt& interrupt) {
  std::unique_lock lock(mutex_);
  const auto done = [&] {
    return !broken_.ok() || (bytes == 0 ? waiting_.empty() && !writing_ : bytes_ <= bytes);
  };
  while (!done()) {
    const auto now = steady_clock::now();
    if (now >= deadline) {
      return deadline_exceeded("[comm.collective] " + std::to_string(bytes_) +
                               " bytes wait for a peer that takes none");
    }
    if (changed_.wait_until(lock, std::min(deadline, now + kInterruptEvery), done)) break;
    lock.unlock();
    const Status status = interrupt ? interrupt() : ok_status();
    lock.lock();
    if (!status.ok()) return status;
  }
  return broken_;
}

bool Outbox::withdraw(uint64_t sender, std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex_);
  std::erase_if(waiting_, [&](const std::unique_ptr<Message>& message) {
    const bool taken_back = message->borrowed && message->sender == sender;
    if (taken_back) bytes_ -= message->content.size();
    return taken_back;
  });
  return changed_.wait_for(lock, grace, [&] { return !borrowed_ || borrowed_->sender != sender; });
}

}  // namespace moai::comm
