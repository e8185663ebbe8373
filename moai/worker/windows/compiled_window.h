// CompiledWindow: one template's way from its first run to being used compiled, or not.
//
//   watched ── 50 runs ──▶ asked ── package ──▶ unchecked ── agrees ──▶ tried ── faster ──▶ used
//      └───────────────────────┴── refused, failed, wrong, slower ─────────┴──▶ dropped
//
// It decides and tells the front; who executes asks it. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "moai/dispatch/messages.h"
#include "moai/worker/exec/replies.h"
#include "moai/worker/windows/compile_folder.h"
#include "moai/worker/windows/observation.h"
#include "moai/worker/windows/trial.h"

namespace moai::worker {

class CompiledWindow {
 public:
  enum class Phase { kWatched, kAsked, kUnchecked, kTried, kUsed, kDropped };
  static constexpr uint32_t kRunsMin = 50;  // before it is asked for

  // All outlive it.
  CompiledWindow(dispatch::TemplateId id, const program::Program& program,
                 const graph::SignatureTable& signatures, const CompileSite& site,
                 Replies* replies);

  Phase phase() const { return phase_; }
  bool has_package() const { return package_ != nullptr; }
  Package& package() { return *package_; }
  const Observation& seen() const { return seen_; }
  // Whether the next run should be compiled, or compared with the package.
  bool wants_whole_run() const;

  // ---- what happened, at the end of a run
  // It was interpreted while there is no package: asks for one, or looks for it.
  void interpreted(const Instance& run);
  // It was interpreted and computed by the package, which agrees, or how it does not.
  void compared(const Status& status, uint64_t sequence);
  void tried(bool compiled, uint64_t window_ns, uint64_t sequence);
  void period(bool compiled, uint64_t ns) {
    if (phase_ == Phase::kTried) trial_.period(compiled, ns);
  }
  // A run that should have been compiled was cut in its midst.
  void cut();
  void came_whole() { cuts_ = 0; }
  // The package cannot be used in this job.
  void drop(const std::string& why);

 private:
  void ask();
  void look();
  void move_to(Phase phase, const std::string& text);

  const dispatch::TemplateId id_;
  const program::Program& program_;
  const CompileSite& site_;
  Replies& replies_;
  CompileFolder folder_;
  Observation seen_;
  Phase phase_ = Phase::kWatched;
  std::string key_;
  std::unique_ptr<Package> package_;
  Trial trial_;
  uint64_t compile_ms_ = 0;
  uint32_t cuts_ = 0;  // since a run came whole
  std::chrono::steady_clock::time_point looked_{};
};

}  // namespace moai::worker
