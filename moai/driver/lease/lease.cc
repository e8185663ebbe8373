#include "moai/driver/lease/lease.h"

#include <unistd.h>

#include <utility>

#include "moai/base/log.h"

namespace moai::driver {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLook{100};
constexpr milliseconds kReasonMax{2500};  // for an agent's report to arrive through the master
constexpr int kReplacementsMax = 5;       // in a minute

Status end_status(const session::Ended& message) {
  const Code code = message.code == Code::kOk ? Code::kAborted : message.code;
  return Status(code, message.text);
}

}  // namespace

Lease::Lease(Options options, std::function<void(const Status&)> ended)
    : options_(std::move(options)), ended_(std::move(ended)) {}

Lease::~Lease() = default;

HolderClient::Events Lease::events() {
  HolderClient::Events events;
  events.granted = [this](const session::Granted& message) { granted(message); };
  events.ended = [this](const session::Ended& message) { over(message); };
  events.line = [this](const session::Line& message) {
    const auto level = static_cast<LogLevel>(message.level);
    if (!options_.quiet || level >= LogLevel::kError) log(level, message.text);
  };
  events.waiting = [this](const session::Waiting& message) {
    if (!options_.quiet) log_warning(message.text);
  };
  events.lost = [this](const Status& how) { return replace(how); };
  events.replaced = [this](HolderClient* successor) { ask_again(successor); };
  return events;
}

Status Lease::start_holder() {
  MOAI_ASSIGN_OR_RETURN(Fd socket, HolderClient::start(options_.session_program, options_.start));
  auto started = std::make_shared<HolderClient>(std::move(socket), events());
  const std::lock_guard lock(mutex_);
  holder_.swap(started);
  return ok_status();
}

std::shared_ptr<HolderClient> Lease::holder() {
  const std::lock_guard lock(mutex_);
  return holder_;
}

Result<session::Granted> Lease::acquire(const std::function<bool()>& stopped) {
  bool start = false;
  {
    const std::lock_guard lock(mutex_);
    granted_.reset();
    end_.reset();
    wanted_ = true;
    start = std::exchange(holder_gone_, false);
  }
  if (start) {
    const Status started = start_holder();
    if (!started.ok()) {
      const std::lock_guard lock(mutex_);
      wanted_ = false;
      holder_gone_ = true;
      return started;
    }
  }
  // A holder that dies just now is replaced, and its successor is asked again.
  holder()->send(session::Acquire{}).ignore("the replacement is asked again");
  std::unique_lock lock(mutex_);
  while (!granted_ && !end_) {
    changed_.wait_for(lock, kLook);
    if (stopped()) return cancelled("[driver.lease] the process ends");
  }
  if (end_) return *end_;
  return *granted_;
}

void Lease::granted(const session::Granted& message) {
  const std::lock_guard lock(mutex_);
  granted_ = message;
  changed_.notify_all();
}

void Lease::over(const session::Ended& message) {
  const Status status = end_status(message);
  bool running = false;
  {
    const std::lock_guard lock(mutex_);
    if (!wanted_) return;
    running = granted_.has_value();
    wanted_ = false;
    end_ = status;
    changed_.notify_all();
  }
  if (running) ended_(status);
}

// On the holder's reading thread.
Fd Lease::replace(const Status& how) {
  session::Start start = options_.start;
  bool enough = false;
  {
    const std::lock_guard lock(mutex_);
    holder_gone_ = !wanted_;
    if (!wanted_) return {};
    const auto now = steady_clock::now();
    if (now - replacing_since_ > std::chrono::minutes(1)) replacements_ = 0;
    if (replacements_ == 0) replacing_since_ = now;
    enough = ++replacements_ > kReplacementsMax;
    holder_gone_ = enough;
    if (granted_) start.resume = granted_->resume;
  }
  if (enough) {
    over({Code::kUnavailable, how.message() + " again and again; its log tells why"});
    return {};
  }
  auto socket = HolderClient::start(options_.session_program, start);
  if (socket.ok()) return std::move(*socket);
  {
    const std::lock_guard lock(mutex_);
    holder_gone_ = true;
  }
  over({Code::kUnavailable, socket.status().message()});
  return {};
}

// A successor knows nothing of what the driver asked its predecessor for.
void Lease::ask_again(HolderClient* successor) {
  {
    const std::lock_guard lock(mutex_);
    if (!wanted_) return;
  }
  successor->send(session::Acquire{}).ignore("another replacement is asked again");
}

Status Lease::link_lost(size_t rank, const Status& how) {
  std::unique_lock lock(mutex_);
  if (wanted_ && granted_ && rank < granted_->workers.size() && holder_) {
    const session::LinkLost lost{granted_->workers[rank].address, how.message()};
    const std::shared_ptr<HolderClient> told = holder_;
    lock.unlock();
    told->send(lost).ignore("the lease ends in any case");
    lock.lock();
  }
  changed_.wait_for(lock, kReasonMax, [&] { return end_.has_value(); });
  return end_ ? *end_ : how;
}

void Lease::give_back() {
  std::shared_ptr<HolderClient> told;
  {
    const std::lock_guard lock(mutex_);
    granted_.reset();
    wanted_ = false;
    told = holder_;
  }
  if (told) told->send(session::GiveBack{}).ignore("a holder that is gone gives back by itself");
}

void Lease::close_copy() {
  if (holder_) ::close(holder_->descriptor());
}

}  // namespace moai::driver
