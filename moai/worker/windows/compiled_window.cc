#include "moai/worker/windows/compiled_window.h"

#include "moai/base/log.h"

namespace moai::worker {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookEvery{200};
constexpr uint32_t kCutsMax = 50;

dispatch::WindowState::Phase told(CompiledWindow::Phase phase) {
  using Phase = dispatch::WindowState::Phase;
  switch (phase) {
    case CompiledWindow::Phase::kUsed:
      return Phase::kUsed;
    case CompiledWindow::Phase::kDropped:
      return Phase::kDropped;
    case CompiledWindow::Phase::kUnchecked:
    case CompiledWindow::Phase::kTried:
      return Phase::kTried;
    default:
      return Phase::kAsked;
  }
}

}  // namespace

CompiledWindow::CompiledWindow(dispatch::TemplateId id, const program::Program& program,
                               const graph::SignatureTable& signatures, const CompileSite& site,
                               Replies* replies)
    : id_(id),
      program_(program),
      site_(site),
      replies_(*replies),
      folder_(site),
      seen_(program, signatures) {}

bool CompiledWindow::wants_whole_run() const {
  return phase_ == Phase::kUnchecked || phase_ == Phase::kUsed ||
         (phase_ == Phase::kTried && trial_.next_is_compiled());
}

void CompiledWindow::move_to(Phase phase, const std::string& text) {
  phase_ = phase;
  if (phase == Phase::kDropped) package_.reset();
  log_info("template " + std::to_string(id_) + " (" + std::to_string(seen_.calls()) +
           " operators): " + text);
  replies_.send(dispatch::WindowState{.id = id_,
                                      .phase = told(phase),
                                      .calls = seen_.calls(),
                                      .compile_ms = compile_ms_,
                                      .interpreted_ns = trial_.window_ns(false),
                                      .compiled_ns = trial_.window_ns(true),
                                      .text = text});
}

void CompiledWindow::drop(const std::string& why) { move_to(Phase::kDropped, why); }

void CompiledWindow::cut() {
  if (++cuts_ == kCutsMax) drop("the script reads in its midst, or waits there");
}

void CompiledWindow::interpreted(const Instance& run) {
  if (phase_ == Phase::kWatched) {
    seen_.add(run);
    if (seen_.runs() == kRunsMin) ask();
  }
  if (phase_ == Phase::kAsked) look();
}

void CompiledWindow::ask() {
  const auto request = seen_.request(program_, site_.torch_version, site_.processor, site_.threads);
  if (!request.ok()) return drop(request.status().message());
  const auto key = folder_.ask(*request);
  if (!key.ok()) return drop(key.status().message());
  key_ = *key;
  move_to(Phase::kAsked, "asked for as " + key_);
}

void CompiledWindow::look() {
  const auto now = steady_clock::now();
  if (now - looked_ < kLookEvery) return;
  looked_ = now;
  auto found = folder_.look(key_);
  if (!found.ok()) return drop(found.status().message());
  if (!found->package) return;
  package_ = std::move(found->package);
  compile_ms_ = found->compile_ms;
  move_to(Phase::kUnchecked, "loaded");
}

void CompiledWindow::compared(const Status& status, uint64_t sequence) {
  if (!status.ok()) {
    folder_.condemn(key_, status.message());
    return drop(status.message());
  }
  move_to(Phase::kTried, "agrees at call " + std::to_string(sequence));
}

void CompiledWindow::tried(bool compiled, uint64_t window_ns, uint64_t sequence) {
  if (phase_ != Phase::kTried) return;
  trial_.ran(compiled, window_ns);
  if (!trial_.over()) return;
  if (!trial_.compiled_is_faster()) return drop("slower than operator by operator");
  move_to(Phase::kUsed, "compiled from call " + std::to_string(sequence + 1) + " on");
}

}  // namespace moai::worker
