#include "moai/worker/serve/connection.h"

#include <thread>

#include "moai/base/log.h"
#include "moai/worker/exec/executor.h"

namespace moai::worker {
namespace {

using std::chrono::steady_clock;

// How often the keeping thread looks whether something is executed, and then drains.
constexpr std::chrono::milliseconds kLookIdle{100};
constexpr std::chrono::milliseconds kLookBusy{20};
// Quiet time after which all credit is returned, so that a busy stream has no message for each
// frame.
constexpr std::chrono::milliseconds kCreditDelay{2};
constexpr std::chrono::milliseconds kWait{1000};

}  // namespace

Connection::Connection(std::unique_ptr<comm::Link> link, device::Device* device,
                       ConnectionOptions options)
    : link_(std::move(link)),
      device_(*device),
      options_(options),
      outbox_(link_.get(), options.stall),
      inbox_(link_.get(), options.credit_bytes) {
  if (options.peers) mesh_.emplace(device, options.peers, options.groups, options.nccl);
}

void Connection::end(Code code, const std::string& text) {
  outbox_.send(dispatch::Ending{.code = code, .text = text});
  // Before run() returns and leaves: the other ranks hear why.
  if (mesh_) mesh_->end(Status(code, text));
  inbox_.end();
  link_->close();
}

void Connection::keep() {
  std::unique_lock lock(mutex_);
  while (!done_) {
    changed_.wait_for(lock, busy_ ? kLookBusy : kLookIdle);
    if (!busy_) continue;
    lock.unlock();
    inbox_.drain();
    if (mesh_ && inbox_.ended()) mesh_->end(unavailable("[worker.serve] the front has left"));
    outbox_.ping(options_.ping);
    lock.lock();
  }
}

void Connection::return_credit(uint64_t at_least) {
  if (executed_bytes_ == 0 || executed_bytes_ < at_least) return;
  outbox_.send(dispatch::Credit{.bytes = executed_bytes_, .memory = memory_of(device_)});
  executed_bytes_ = 0;
}

std::optional<std::string> Connection::next_frame() {
  auto frame = inbox_.next(steady_clock::now() + kCreditDelay);
  if (!frame) {
    busy_ = false;
    return_credit(0);
    frame = inbox_.next(steady_clock::now() + kWait);
  }
  busy_ = frame.has_value();
  return frame;
}

void Connection::execute_all() {
  Executor executor(&device_, &outbox_, options_.compiles, mesh_ ? &*mesh_ : nullptr,
                    options_.counts_file);
  while (!inbox_.ended() && !executor.finished()) {
    const auto frame = next_frame();
    if (!frame) continue;
    const Status status = executor.execute(*frame);
    executed_bytes_ += frame->size();
    if (!status.ok()) {
      log_error("front " + link_->peer() + " is sent away: " + status.message());
      end(status.code(), status.message());
      return;
    }
    return_credit(options_.credit_bytes / 8);
  }
}

void Connection::run() {
  std::thread keeper([this] { keep(); });
  execute_all();
  inbox_.end();
  link_->close();
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_all();
  keeper.join();
  if (mesh_) mesh_->leave();
}

}  // namespace moai::worker
