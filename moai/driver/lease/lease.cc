#include "moai/driver/lease/lease.h"

#include <unistd.h>

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
  return events;
}

Status Lease::start_holder() {
  MOAI_ASSIGN_OR_RETURN(Fd socket, HolderClient::start(options_.session_program, options_.start));
  holder_ = std::make_unique<HolderClient>(std::move(socket), events());
  return ok_status();
}

Result<session::Granted> Lease::acquire(const std::function<bool()>& stopped) {
  if (!holder_) MOAI_RETURN_IF_ERROR(start_holder());
  {
    const std::lock_guard lock(mutex_);
    granted_.reset();
    end_.reset();
    wanted_ = true;
  }
  // A holder that dies just now is replaced, and its successor asks again.
  holder_->send(session::Acquire{}).ignore("the replacement sends it");
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
    running = granted_.has_value();
    wanted_ = false;
    if (!end_) end_ = status;
    changed_.notify_all();
  }
  if (running) ended_(status);
}

// On the holder's reading thread.
Fd Lease::replace(const Status& how) {
  session::Start start = options_.start;
  bool wanted = false, enough = false;
  {
    const std::lock_guard lock(mutex_);
    const auto now = steady_clock::now();
    if (now - replacing_since_ > std::chrono::minutes(1)) replacements_ = 0;
    if (replacements_ == 0) replacing_since_ = now;
    enough = end_ || ++replacements_ > kReplacementsMax;
    if (granted_) start.resume = granted_->resume;
    wanted = wanted_;
  }
  if (enough) {
    over({Code::kUnavailable, how.message()});
    return {};
  }
  auto socket = HolderClient::start(options_.session_program, start);
  if (socket.ok() && wanted) {
    std::string bytes;
    session::encode(session::Acquire{}, &bytes);
    if (::write(socket->get(), bytes.data(), bytes.size()) < 0) return {};
  }
  if (socket.ok()) return std::move(*socket);
  over({Code::kUnavailable, socket.status().message()});
  return {};
}

Status Lease::link_lost(const Status& how) {
  std::unique_lock lock(mutex_);
  if (granted_ && !granted_->workers.empty() && holder_) {
    const session::LinkLost lost{granted_->workers[0].address, how.message()};
    lock.unlock();
    holder_->send(lost).ignore("the lease ends in any case");
    lock.lock();
  }
  changed_.wait_for(lock, kReasonMax, [&] { return end_.has_value(); });
  return end_ ? *end_ : how;
}

void Lease::give_back() {
  if (!holder_) return;
  {
    const std::lock_guard lock(mutex_);
    granted_.reset();
    wanted_ = false;
  }
  holder_->send(session::GiveBack{}).ignore("a holder that is gone gives back by itself");
}

uint64_t Lease::memory_bytes() {
  const std::lock_guard lock(mutex_);
  return granted_ ? granted_->memory_bytes : 0;
}

void Lease::close_copy() {
  if (holder_) ::close(holder_->descriptor());
}

}  // namespace moai::driver
