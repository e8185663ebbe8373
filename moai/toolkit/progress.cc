#include "moai/toolkit/progress.h"

#include <chrono>
#include <ostream>

namespace moai::toolkit {

Progress::Progress(std::ostream& err, std::string what)
    : err_(err), what_(std::move(what)), thread_([this] { tick(); }) {}

Progress::~Progress() {
  {
    std::lock_guard lock(mutex_);
    done_ = true;
  }
  over_.notify_all();
  thread_.join();
}

void Progress::say(const std::string& line) {
  std::lock_guard lock(mutex_);
  err_ << line << '\n' << std::flush;
}

void Progress::tick() {
  std::unique_lock lock(mutex_);
  for (int seconds = 1;; seconds += 2) {
    const auto pause = std::chrono::seconds(seconds == 1 ? 1 : 2);
    if (over_.wait_for(lock, pause, [&] { return done_; })) return;
    err_ << "[info] " << what_ << "... " << seconds << " s\n" << std::flush;
  }
}

}  // namespace moai::toolkit
