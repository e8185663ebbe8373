// The courier's half of the engine: when and how commands leave.
#include "moai/driver/engine.h"

#include <algorithm>
#include <utility>

#include "moai/base/profile.h"
#include "moai/driver/mesh/mesh_stream.h"
#include "moai/driver/plan_in_time.h"
#include "moai/driver/stream/one_worker.h"

namespace moai::driver {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kIdle{1000};

bool carries_work(const dispatch::Message& message) {
  return std::holds_alternative<dispatch::Run>(message) ||
         std::holds_alternative<dispatch::RunTemplate>(message) ||
         std::holds_alternative<dispatch::Ask>(message) ||
         std::holds_alternative<dispatch::Upload>(message);
}

}  // namespace

bool Engine::stopping() const {
  const std::lock_guard lock(mutex_);
  return stop_;
}

void Engine::run_courier() {
  Reason why = Reason::kQuiet;
  while (wait_for_work(&why)) {
    if (has_failed_) continue;
    Stream* stream = stream_.load();
    if (!stream) {
      const Status status = connect();
      if (!status.ok()) {
        if (!stopping()) fail(status);
        continue;
      }
      answers_.notify();
      stream = stream_.load();
    }
    Status status;
    {
      const std::lock_guard sending(sending_);
      status =
          send_all(why, [this] { return stopping() ? cancelled("the driver ends") : ok_status(); });
    }
    if (status.ok()) status = stream->drain();
    reporter_.report(statistics(), ledger_, answers_, stream->plan());
    if (!status.ok() && status.code() != Code::kCancelled) {
      lost(status).ignore("whoever waits next is told");
    }
  }
}

// How long nothing must be recorded before what is there leaves. A Worker that is busy can wait for
// it, and the courier does not take the script's processor to look so often.
std::chrono::microseconds Engine::quiet() const {
  const Stream* stream = stream_.load();
  return std::chrono::microseconds(options_.flush_quiet_us) * (stream && stream->busy() ? 5 : 1);
}

// True when commands should leave or replies be taken in, false at the end.
bool Engine::wait_for_work(Reason* why) {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    *why = flush_ ? flush_why_ : Reason::kQuiet;
    if (std::exchange(flush_, false)) return true;
    if (failed_.ok() && recorder_.pending()) {
      const uint64_t seen = activity_;
      wake_.wait_for(lock, quiet());
      if (activity_ == seen) return true;
      continue;
    }
    idle_ = true;
    const bool woken = wake_.wait_for(lock, kIdle) == std::cv_status::no_timeout;
    idle_ = false;
    if (!woken && stream_.load()) return true;
  }
  return false;
}

Status Engine::connect() {
  const auto stopped = [this] { return stopping() || has_failed_; };
  MOAI_ASSIGN_OR_RETURN(Connected connected, connector_->connect(stopped));
  memory_bytes_ = connected.memory_bytes;
  reporter_.begin(connected.job_id);
  const Interrupt interrupt = [&] {
    return stopped() ? cancelled("the driver ends") : ok_status();
  };
  MOAI_ASSIGN_OR_RETURN(const bool plans, plans_in_time(options_.plan));
  if (connected.workers.size() == 1 && !plans) {
    ConnectedWorker& worker = connected.workers.front();
    MOAI_ASSIGN_OR_RETURN(auto exchange, Exchange::open(std::move(worker.link), worker.hello,
                                                        &signatures_, &answers_, interrupt));
    owned_stream_ = std::make_unique<OneWorker>(std::move(exchange));
  } else {
    MOAI_ASSIGN_OR_RETURN(owned_stream_, open_mesh(std::move(connected.workers), interrupt));
    const std::lock_guard lock(mutex_);
    recorder_.release_with_step();
  }
  stream_ = owned_stream_.get();
  if (has_failed_) owned_stream_->close();
  return ok_status();
}

Result<std::unique_ptr<Stream>> Engine::open_mesh(std::vector<ConnectedWorker> workers,
                                                  const Interrupt& interrupt) {
  MeshOptions options;
  MOAI_ASSIGN_OR_RETURN(options.plans, plan_schedule_from_string(options_.plan));
  options.search = options_.searches_plan;
  options.described = {.named = options_.cluster_path, .state_dir = options_.state_dir};
  options.overlaps = options_.overlaps;
  options.version = options_.client_version + " on " + options_.framework;
  options.quiet = options_.quiet;
  options.tells_search = options_.tells_search;
  return MeshStream::open(std::move(workers), options, &signatures_, &next_storage_, &answers_,
                          interrupt);
}

// Takes what was recorded into the outbox; false when there is nothing. Without a reason it is what
// the courier was woken for meanwhile.
bool Engine::collect(const Reason* why) {
  std::vector<dispatch::Message> messages;
  std::vector<size_t> step_ends;
  std::vector<RequestId> abandoned;
  {
    const std::lock_guard lock(mutex_);
    messages = recorder_.take();
    step_ends = recorder_.take_step_ends();
    const LineId line = lines_[recorder_.sequence() % kLinesKept];
    const Reason meanwhile = flush_ ? flush_why_ : Reason::kQuiet;
    if (std::ranges::any_of(messages, carries_work)) {
      ledger_.flushed(why ? *why : meanwhile, line);
    }
    abandoned = recorder_.take_abandoned();
    ramp_ = std::min(ramp_ * 2, options_.flush_nodes);
    if (crowded_.exchange(false)) roomy_.notify_all();
  }
  if (!messages.empty() && compiles_ && !std::exchange(asked_to_compile_, true)) {
    outbox_.push_back(dispatch::CompileWindows{});
  }
  auto step = step_ends.begin();
  for (size_t i = 0; i <= messages.size(); ++i) {
    for (; step != step_ends.end() && *step == i; ++step) outbox_.push_back(StepEnd{});
    if (i == messages.size()) break;
    if (const auto* read = std::get_if<dispatch::Read>(&messages[i])) {
      answers_.expect(read->request, read->ranges.size());
    }
    outbox_.push_back(std::move(messages[i]));
  }
  for (const RequestId request : abandoned) answers_.abandon(request);
  return !messages.empty() || !step_ends.empty();
}

// Under sending_.
Status Engine::send_next(const Interrupt& interrupt) {
  Stream* stream = stream_.load();
  auto* message = std::get_if<dispatch::Message>(&outbox_.front());
  if (!message) {
    MOAI_RETURN_IF_ERROR(stream->end_step(interrupt));
  } else {
    const bool works = carries_work(*message);
    MOAI_RETURN_IF_ERROR(stream->send(message, interrupt));
    if (works) ++flushes_;
  }
  outbox_.pop_front();
  return ok_status();
}

// Under sending_. CANCELLED: the interrupt said so, and the rest waits for the next time.
Status Engine::send_all(Reason why, const Interrupt& interrupt) {
  const Span span(SpanKind::kSend, reason_name(why));
  Stream* stream = stream_.load();
  const Interrupt until_failed = [&] {
    if (has_failed_) return cancelled("the driver has ended");
    return interrupt ? interrupt() : ok_status();
  };
  const Reason* first = &why;
  while (!outbox_.empty() || collect(std::exchange(first, nullptr))) {
    MOAI_RETURN_IF_ERROR(send_next(until_failed));
  }
  const bool awaited = awaited_.exchange(false);
  return awaited || why >= Reason::kRead ? stream->flush(until_failed) : ok_status();
}

// Sends on the calling thread, which waits anyway, unless the courier is at it.
Status Engine::send_some(Reason why, const Interrupt& interrupt) {
  if (stream_.load()) {
    std::unique_lock sending(sending_, std::try_to_lock);
    if (sending.owns_lock()) return send_all(why, interrupt);
  }
  Wake wake;
  const std::lock_guard lock(mutex_);
  flush_soon(why, &wake);
  return ok_status();
}

}  // namespace moai::driver
