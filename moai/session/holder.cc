#include "moai/session/holder.h"

#include <algorithm>

#include "moai/base/log.h"
#include "moai/session/lines.h"

namespace moai::session {
namespace {

constexpr uint8_t kInfo = static_cast<uint8_t>(LogLevel::kInfo);
constexpr uint8_t kWarning = static_cast<uint8_t>(LogLevel::kWarning);
constexpr int64_t kConnectMsMax = 10'000;  // of one attempt, up to Opened

// Errors that another attempt cannot change.
bool is_final(Code code) {
  switch (code) {
    case Code::kUnauthenticated:
    case Code::kPermissionDenied:
    case Code::kInvalidArgument:
    case Code::kFailedPrecondition:
    case Code::kNotFound:
    case Code::kAborted:
    case Code::kUnimplemented:
      return true;
    default:
      return false;
  }
}

Code to_code(int32_t code) {
  if (code <= 0 || code > static_cast<int32_t>(Code::kUnauthenticated)) return Code::kUnknown;
  return static_cast<Code>(code);
}

}  // namespace

// ---- the driver's side

void Holder::from_driver(const WireMessage& message, int64_t now_ms) {
  if (link_ == Link::kClosing || link_ == Link::kDone) return;
  if (const auto* start = std::get_if<Start>(&message)) return begin(*start, now_ms);
  if (link_ == Link::kNew) {
    return fail(failed_precondition("[session.holder] the first message must be Start"));
  }
  if (std::holds_alternative<Acquire>(message)) return acquire();
  if (std::holds_alternative<GiveBack>(message)) return give_back();
  if (const auto* lost = std::get_if<LinkLost>(&message)) {
    v1::SessionUp up;
    up.mutable_link_lost()->set_address(lost->address);
    up.mutable_link_lost()->set_text(lost->text);
    tell_master(std::move(up));
  }
}

void Holder::begin(const Start& start, int64_t now_ms) {
  if (link_ != Link::kNew) {
    return fail(failed_precondition("[session.holder] Start came twice"));
  }
  if (start.wire_version != kWireVersion) {
    return fail(failed_precondition("[session.holder] the driver speaks wire version " +
                                    std::to_string(start.wire_version) + ", this program " +
                                    std::to_string(kWireVersion) + "; install the same version"));
  }
  start_ = start;
  if (options_.ancestors) ancestors_ = options_.ancestors(start.pid);
  resume_ = start.resume;
  if (!resume_.empty()) lease_ = Lease::kGranted;  // the driver may have one; the master will tell
  link_ = Link::kLocating;
  away_since_ms_ = now_ms;
  actions_.locate = true;
}

void Holder::acquire() {
  if (lease_ == Lease::kWanted || lease_ == Lease::kRequested) return;
  if (lease_ == Lease::kGranted && grant_) {
    actions_.to_driver.push_back(*grant_);
    return;
  }
  lease_ = Lease::kWanted;
  acquire_id_ = options_.operation_id();
  initializing_said_ = false;
  if (link_ == Link::kAttached) request();
  if (link_ == Link::kAsleep) {
    link_ = Link::kLocating;
    actions_.locate = true;
  }
}

void Holder::request() {
  if (lease_ == Lease::kWanted) line(kInfo, requesting_line(opened_.device_name()));
  lease_ = Lease::kRequested;
  v1::SessionUp up;
  up.mutable_acquire()->set_operation_id(acquire_id_);
  actions_.to_master.push_back(std::move(up));
}

void Holder::give_back() {
  if (lease_ == Lease::kRequested || lease_ == Lease::kGranted) {
    v1::SessionUp up;
    up.mutable_give_back()->set_operation_id(options_.operation_id());
    tell_master(std::move(up));
  }
  lease_ = Lease::kNone;
  grant_.reset();
}

void Holder::tell_master(v1::SessionUp message) {
  (link_ == Link::kAttached ? actions_.to_master : owed_).push_back(std::move(message));
}

void Holder::script_gone(int64_t now_ms) {
  if (link_ == Link::kClosing || link_ == Link::kDone) return;
  if (link_ != Link::kAttached) {
    link_ = Link::kDone;
    actions_.finished = true;
    return;
  }
  v1::SessionUp up;
  up.mutable_close();
  actions_.to_master.push_back(std::move(up));
  lease_ = Lease::kNone;
  grant_.reset();
  link_ = Link::kClosing;
  actions_.half_close = true;
  deadline_ms_ = now_ms + options_.close_ms_max;
}

void Holder::fail(const Status& status) {
  actions_.to_driver.push_back(Ended{status.code(), status.message()});
  actions_.locate = actions_.connect = false;
  actions_.to_master.clear();
  lease_ = Lease::kNone;
  link_ = Link::kDone;
  actions_.finished = true;
}

void Holder::line(uint8_t level, std::string text) {
  actions_.to_driver.push_back(Line{level, std::move(text)});
}

// ---- the master's side

void Holder::located(Result<Platform> platform, int64_t now_ms) {
  if (link_ != Link::kLocating) return;
  if (!platform.ok() && platform.status().code() == Code::kAborted && !resume_.empty()) {
    return fall_asleep(platform.status());
  }
  if (!platform.ok()) return fail(platform.status());
  platform_ = std::move(*platform);
  if (session_id_ == 0 && retry_ms_ == 0) away_since_ms_ = now_ms;
  open(now_ms);
}

void Holder::open(int64_t now_ms) {
  link_ = Link::kConnecting;
  deadline_ms_ = now_ms + kConnectMsMax;
  actions_.connect = true;
  actions_.to_master.clear();
  v1::SessionUp up;
  v1::Open& open = *up.mutable_open();
  open.set_client_version(start_.client_version);
  open.set_framework(start_.framework);
  open.set_pid(start_.pid);
  open.set_command(start_.command);
  open.set_hostname(options_.hostname);
  open.set_user(options_.user);
  open.set_flavor(start_.flavor);
  open.set_device(start_.device);
  open.set_own_accelerator(platform_.local);
  open.set_resume(resume_);
  open.mutable_ancestors()->Assign(ancestors_.begin(), ancestors_.end());
  actions_.to_master.push_back(std::move(up));
}

void Holder::from_master(const v1::SessionDown& message, int64_t now_ms) {
  if (link_ == Link::kConnecting) {
    if (message.has_opened()) opened(message.opened(), now_ms);
    return;
  }
  if (link_ != Link::kAttached) return;
  if (message.has_waiting()) waiting(message.waiting());
  if (message.has_granted()) granted(message.granted());
  if (message.has_ended()) ended(message.ended());
}

void Holder::opened(const v1::Opened& opened, int64_t now_ms) {
  const bool first = session_id_ == 0;
  opened_ = opened;
  session_id_ = opened.session_id();
  resume_ = start_.resume = opened.resume();
  actions_.device_memory = opened.memory_bytes() * std::max(opened.devices(), 1u);
  link_ = Link::kAttached;
  away_since_ms_ = deadline_ms_ = retry_ms_ = 0;
  away_warned_ = false;
  heartbeat_at_ms_ = opened.heartbeat_ms() > 0 ? now_ms + opened.heartbeat_ms() : 0;
  for (v1::SessionUp& message : std::exchange(owed_, {})) {
    actions_.to_master.push_back(std::move(message));
  }
  if (lease_ == Lease::kWanted || lease_ == Lease::kRequested) request();
  if (first && is_newer(opened.latest_version(), start_.client_version)) {
    line(kWarning, newer_version_line());
  }
}

void Holder::waiting(const v1::Waiting& waiting) {
  if (lease_ != Lease::kRequested) return;
  if (waiting.cause() == "starting") return say_initializing();
  actions_.to_driver.push_back(Waiting{waiting.text()});
}

void Holder::say_initializing() {
  if (!std::exchange(initializing_said_, true)) {
    line(kInfo, initializing_line(opened_.device_name()));
  }
}

void Holder::granted(const v1::Granted& granted) {
  if (lease_ != Lease::kRequested && lease_ != Lease::kGranted) return;
  if (grant_ && grant_->epoch == granted.epoch()) return;
  const bool asked = lease_ == Lease::kRequested;  // else a holder before this one brought it
  if (asked) say_connecting(granted);
  grant_ = to_driver(granted);
  lease_ = Lease::kGranted;
  actions_.to_driver.push_back(*grant_);
  if (!asked) return;
  for (std::string& text :
       ready_lines(opened_.device_name(), start_.client_version, granted.job_id())) {
    line(kInfo, std::move(text));
  }
}

void Holder::say_connecting(const v1::Granted& granted) {
  say_initializing();
  for (std::string& text : connecting_lines(granted)) line(kInfo, std::move(text));
  line(kInfo, establishing_line());
}

Granted Holder::to_driver(const v1::Granted& granted) const {
  Granted grant;
  grant.job_id = granted.job_id();
  grant.epoch = granted.epoch();
  grant.flavor = granted.flavor();
  grant.device_name = opened_.device_name();
  grant.memory_bytes = granted.memory_bytes();
  grant.ca = platform_.ca;
  grant.resume = resume_;
  for (const v1::WorkerAddress& worker : granted.workers()) {
    grant.workers.push_back(
        {worker.address(), worker.secret(), worker.node(), worker.device(), worker.host_id()});
  }
  return grant;
}

void Holder::ended(const v1::Ended& ended) {
  if (lease_ != Lease::kRequested && lease_ != Lease::kGranted) return;
  lease_ = Lease::kNone;
  grant_.reset();
  actions_.to_driver.push_back(Ended{to_code(ended.code()), ended.text()});
}

// ---- the stream and time

void Holder::stream_ended(const Status& status, int64_t now_ms) {
  if (link_ == Link::kClosing) {
    link_ = Link::kDone;
    actions_.finished = true;
    return;
  }
  if (link_ != Link::kConnecting && link_ != Link::kAttached) return;
  if (status.code() == Code::kNotFound && !resume_.empty()) {
    begin_again();
  } else if (is_final(status.code())) {
    return fail(status);
  }
  if (away_since_ms_ == 0) away_since_ms_ = now_ms;
  if (session_id_ == 0 && now_ms - away_since_ms_ >= options_.first_contact_ms_max) {
    return fail(unavailable("The server cannot be reached: " + platform_.address +
                            "; check that it runs and that the address is right (" +
                            status.message() + ")"));
  }
  link_ = Link::kAway;
  const bool soon = now_ms - away_since_ms_ < options_.retry_soon_ms;
  const int64_t longest = soon ? options_.retry_ms_soon_max : options_.retry_ms_max;
  retry_ms_ = std::clamp(retry_ms_ * 2, options_.retry_ms_min, longest);
  deadline_ms_ = now_ms + retry_ms_;
  heartbeat_at_ms_ = 0;
  actions_.to_master.clear();
}

// The master has ended the session that was to be continued; the next attempt opens another.
void Holder::begin_again() {
  resume_.clear();
  start_.resume.clear();
  owed_.clear();
  retry_ms_ = 0;
  if (lease_ != Lease::kGranted) return;
  lease_ = Lease::kNone;
  grant_.reset();
  actions_.to_driver.push_back(
      Ended{Code::kAborted, "The server has ended this job while it could not be reached."});
}

// The platform was stopped on purpose. The script is told if it has or wants a job, and may go on.
void Holder::fall_asleep(const Status& why) {
  if (lease_ != Lease::kNone) actions_.to_driver.push_back(Ended{why.code(), why.message()});
  lease_ = Lease::kNone;
  grant_.reset();
  resume_.clear();
  start_.resume.clear();
  owed_.clear();
  session_id_ = 0;
  away_since_ms_ = retry_ms_ = 0;
  link_ = Link::kAsleep;
}

void Holder::advance(int64_t now_ms) {
  warn_if_away(now_ms);
  if (link_ == Link::kAttached && heartbeat_at_ms_ && now_ms >= heartbeat_at_ms_) {
    heartbeat_at_ms_ = now_ms + opened_.heartbeat_ms();
    v1::SessionUp up;
    up.mutable_heartbeat();
    actions_.to_master.push_back(std::move(up));
  }
  if (!deadline_ms_ || now_ms < deadline_ms_) return;
  deadline_ms_ = 0;
  if (link_ == Link::kClosing) {
    link_ = Link::kDone;
    actions_.finished = true;
  } else if (link_ == Link::kConnecting) {
    stream_ended(unavailable("no answer within " + std::to_string(kConnectMsMax / 1000) + " s"),
                 now_ms);
  } else if (link_ == Link::kAway && platform_.local) {
    link_ = Link::kLocating;  // it may have ended, and is started again
    actions_.locate = true;
  } else if (link_ == Link::kAway) {
    open(now_ms);
  }
}

void Holder::warn_if_away(int64_t now_ms) {
  if (session_id_ == 0 || away_since_ms_ == 0 || away_warned_ || link_ == Link::kDone) return;
  if (now_ms - away_since_ms_ < options_.warn_away_ms) return;
  away_warned_ = true;
  line(kWarning, away_line(platform_.address, (now_ms - away_since_ms_) / 1000));
}

std::optional<int64_t> Holder::next_deadline_ms() const {
  std::optional<int64_t> next;
  const auto consider = [&next](int64_t at) {
    if (at) next = next ? std::min(*next, at) : at;
  };
  if (link_ == Link::kDone) return next;
  consider(deadline_ms_);
  consider(heartbeat_at_ms_);
  if (session_id_ && away_since_ms_ && !away_warned_) {
    consider(away_since_ms_ + options_.warn_away_ms);
  }
  return next;
}

Holder::Actions Holder::take() { return std::exchange(actions_, {}); }

}  // namespace moai::session
