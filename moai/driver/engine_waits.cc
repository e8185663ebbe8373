// The waiting half of the engine: results, questions, markers, the way out.
#include <algorithm>
#include <cstring>
#include <optional>

#include "moai/driver/engine.h"

namespace moai::driver {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLook{100};
constexpr size_t kRampFirst = 8;

}  // namespace

// Returns OK when `done` says so, or the error that makes waiting useless.
Status Engine::wait_until(Reason why, const std::function<bool()>& done,
                          const Interrupt& interrupt) {
  if (has_failed_) return done() ? ok_status() : ended();
  std::optional<Waited> waited;
  if (!done()) waited.emplace(&ledger_, why);
  const Status sent = send_some(why, interrupt);
  if (sent.code() == Code::kCancelled) return has_failed_ ? ended() : sent;
  if (!sent.ok()) return lost(sent);
  if (!done()) ++round_trips_;
  auto look_again = steady_clock::now() + kLook;
  uint64_t seen = answers_.changes();
  while (!done()) {
    if (has_failed_) return ended();
    if (Stream* stream = stream_.load()) {
      const Status status = stream->pump();
      if (!status.ok()) return lost(status);
    } else {
      seen = answers_.wait(seen, kLook);
    }
    if (!interrupt || steady_clock::now() < look_again) continue;
    MOAI_RETURN_IF_ERROR(interrupt());
    look_again = steady_clock::now() + kLook;
  }
  return ok_status();
}

// The first error of the stream goes before the outcome of the wait.
Status Engine::after_wait(const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    ramp_ = std::min(kRampFirst, options_.flush_nodes);  // the Worker has nothing to do now
  }
  if (status.ok()) {
    if (const auto fault = answers_.take_fault()) return raise(*fault);
  }
  return status;
}

Status Engine::read(std::span<const ReadInto> ranges, const Interrupt& interrupt) {
  if (ranges.empty()) return ok_status();
  std::vector<dispatch::ReadRange> wanted;
  for (const ReadInto& r : ranges) wanted.push_back({r.storage, r.offset, r.size});
  RequestId request = 0;
  {
    const std::lock_guard lock(mutex_);
    if (has_failed_) return failed_;
    recorder_.wait();
    request = recorder_.read(std::move(wanted));
    answers_.expect(request, ranges.size());
  }
  return receive_read(request, ranges, interrupt);
}

uint64_t Engine::start_read(const ReadInto& range) {
  Wake wake;
  const std::lock_guard lock(mutex_);
  if (has_failed_) return 0;
  const RequestId request = recorder_.read({{range.storage, range.offset, range.size}});
  answers_.expect(request, 1);
  flush_soon(Reason::kRead, &wake);
  return request;
}

Status Engine::finish_read(uint64_t request, const ReadInto& range, const Interrupt& interrupt) {
  return request ? receive_read(request, {&range, 1}, interrupt) : ended();
}

Status Engine::receive_read(RequestId request, std::span<const ReadInto> ranges,
                            const Interrupt& interrupt) {
  const Status waited =
      after_wait(wait_until(Reason::kRead, [&] { return answers_.done(request); }, interrupt));
  if (!waited.ok()) {
    answers_.abandon(request);
    return waited;
  }
  const Reply reply = answers_.take(request);
  if (!reply.status.ok()) return reply.fault.text.empty() ? reply.status : raise(reply.fault);
  for (size_t i = 0; i < ranges.size(); ++i) {
    const auto view = dispatch::data_view(reply.frames[i]);
    if (!view || view->bytes.size() != ranges[i].size) {
      return internal_error("[driver.engine] the Worker sent " +
                            std::to_string(view ? view->bytes.size() : 0) + " bytes instead of " +
                            std::to_string(ranges[i].size));
    }
    std::memcpy(ranges[i].out, view->bytes.data(), ranges[i].size);
  }
  return ok_status();
}

Result<std::vector<dispatch::Value>> Engine::ask(SignatureId signature,
                                                 std::span<const StorageId> operands,
                                                 std::span<const uint64_t> words,
                                                 StorageId first_result, uint32_t results_max,
                                                 LineId line, const Interrupt& interrupt) {
  RequestId request = 0;
  {
    const std::lock_guard lock(mutex_);
    if (has_failed_) return failed_;
    recorder_.wait();
    request = recorder_.ask(signature, operands, words, first_result, results_max);
    version_ = ++activity_;
    note_line(line);
    answers_.expect(request, 0);
  }
  const Status waited =
      after_wait(wait_until(Reason::kShape, [&] { return answers_.done(request); }, interrupt));
  if (!waited.ok()) {
    answers_.abandon(request);
    return waited;
  }
  Reply reply = answers_.take(request);
  if (!reply.status.ok()) return reply.fault.text.empty() ? reply.status : raise(reply.fault);
  return std::move(reply.values);
}

Status Engine::synchronize(const Interrupt& interrupt) {
  return reach(Reason::kSynchronize, marker({}), interrupt);
}

void Engine::waits_at(LineId line) { set_wait_line(line); }

// Waits until the marker is reached.
Status Engine::reach(Reason why, uint64_t marker, const Interrupt& interrupt) {
  {
    const std::lock_guard lock(mutex_);
    recorder_.wait();
  }
  return after_wait(
      wait_until(why, [&] { return answers_.marker(marker).has_value(); }, interrupt));
}

Result<MarkerState> Engine::reached(uint64_t marker, bool wait, const Interrupt& interrupt) {
  if (wait) {
    MOAI_RETURN_IF_ERROR(reach(Reason::kEvent, marker, interrupt));
  } else if (!answers_.marker(marker)) {
    if (has_failed_) return ended();
    {
      Wake wake;
      const std::lock_guard lock(mutex_);
      flush_soon(Reason::kEvent, &wake);  // the courier's to send: credit may be long in coming
    }
    if (Stream* stream = stream_.load()) {
      const Status status = stream->drain();
      if (!status.ok()) return lost(status);
    }
  }
  const auto reached = answers_.marker(marker);
  if (!reached) return MarkerState{};
  return MarkerState{true, reached->time_ns};
}

Status Engine::shutdown(bool failed, const Interrupt& interrupt) {
  bool used = false;
  {
    const std::lock_guard lock(mutex_);
    used = failed_.ok() && (recorder_.sequence() != 0 || recorder_.pending());
  }
  const bool dropped = failed && !stream_.load();
  const Status status =
      used && !dropped ? reach(Reason::kExit, marker({}), interrupt) : ok_status();
  const Stream* used_stream = stream_.load();
  reporter_.end(statistics(), ledger_, answers_,
                used_stream ? used_stream->plan() : session::JobReport::Plan{});
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    wake_.notify_all();
  }
  // Whoever waits or calls from now on is told at once.
  const bool was_there = note_failed(unavailable("[driver.engine] the driver was shut down"));
  if (Stream* stream = stream_.load(); stream && was_there) {
    const std::lock_guard sending(sending_);
    stream->say_goodbye();
    stream->close();
  }
  connector_->give_back();
  if (Stream* stream = stream_.load()) stream->end_threads();
  return status;
}

}  // namespace moai::driver
