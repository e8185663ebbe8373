#include "moai/worker/serve/connection.h"

#include <thread>

#include "moai/base/log.h"
#include "moai/worker/exec/executor.h"

namespace moai::worker {
namespace {

using std::chrono::steady_clock;

// Between looks at whether a Ping is due.
constexpr std::chrono::milliseconds kLook{100};
// Quiet time after which all credit is returned, so that a busy stream has no message for each
// frame.
constexpr std::chrono::milliseconds kCreditDelay{2};

}  // namespace

Connection::Connection(std::unique_ptr<comm::Link> link, device::Device* device,
                       ConnectionOptions options)
    : link_(std::move(link)),
      device_(*device),
      options_(options),
      outbox_(link_.get(), options.stall),
      queue_(options.credit_bytes) {}

void Connection::end(Code code, const std::string& text) {
  outbox_.send(dispatch::Ending{.code = code, .text = text});
  link_->close();
  queue_.close();
}

// A front within its credit always finds room; others wait for it.
bool Connection::push(std::string frame) {
  while (!queue_.push(frame, steady_clock::now() + kLook)) {
    if (queue_.closed()) return false;
    outbox_.ping(options_.ping);
  }
  return true;
}

void Connection::receive() {
  while (!queue_.closed()) {
    auto frame = link_->receive(steady_clock::now() + kLook, {});
    if (frame.ok()) {
      if (!push(std::move(*frame))) break;
    } else if (frame.status().code() != Code::kDeadlineExceeded) {
      const Code code = frame.status().code();
      if (code != Code::kUnavailable && code != Code::kCancelled) {
        log_warning("front " + link_->peer() + ": " + frame.status().message());
      }
      break;
    }
    if (executing_ || !queue_.empty()) outbox_.ping(options_.ping);
  }
  queue_.close();
}

void Connection::return_credit(uint64_t at_least) {
  if (executed_bytes_ == 0 || executed_bytes_ < at_least) return;
  outbox_.send(dispatch::Credit{.bytes = executed_bytes_});
  executed_bytes_ = 0;
}

void Connection::execute_all() {
  Executor executor(&device_, &outbox_);
  while (!queue_.closed() && !executor.finished()) {
    auto frame = queue_.pop(steady_clock::now() + kCreditDelay);
    if (!frame) {
      return_credit(0);
      frame = queue_.pop(steady_clock::now() + std::chrono::seconds(1));
    }
    if (!frame) continue;
    executing_ = true;
    const Status status = executor.execute(*frame);
    executing_ = false;
    executed_bytes_ += frame->size();
    if (!status.ok()) {
      log_error("front " + link_->peer() + " is sent away: " + status.message());
      end(status.code(), status.message());
      break;
    }
    return_credit(options_.credit_bytes / 8);
  }
}

void Connection::run() {
  std::thread receiver([this] { receive(); });
  execute_all();
  queue_.close();
  link_->close();
  receiver.join();
}

}  // namespace moai::worker
