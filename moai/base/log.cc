#include "moai/base/log.h"

#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <string>

namespace moai {
namespace {

std::atomic<LogLevel> g_level{LogLevel::kInfo};
std::atomic<bool> g_timestamps{false};

std::string timestamp() {
  timeval now{};
  gettimeofday(&now, nullptr);
  tm local{};
  localtime_r(&now.tv_sec, &local);
  std::array<char, 40> text{};
  const size_t n = std::strftime(text.data(), text.size(), "[%Y-%m-%d %H:%M:%S", &local);
  std::snprintf(text.data() + n, text.size() - n, ".%03d] ", static_cast<int>(now.tv_usec / 1000));
  return text.data();
}

}  // namespace

void log(LogLevel level, std::string_view text) {
  if (level < g_level.load(std::memory_order_relaxed) || level == LogLevel::kOff) return;
  static constexpr std::array<std::string_view, 4> kTags = {"[debug] ", "[info] ", "[warning] ",
                                                            "[error] "};
  std::string line = g_timestamps.load(std::memory_order_relaxed) ? timestamp() : std::string();
  line.append(kTags[static_cast<size_t>(level)]).append(text).push_back('\n');
  // A full or closed stderr must not stop the program that logs.
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

void set_log_level(LogLevel level) { g_level = level; }
void set_log_timestamps(bool on) { g_timestamps = on; }

}  // namespace moai
