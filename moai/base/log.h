// log(): one line on stderr, "[info] text" as the platform's users know it.
//
// Thread-safe; one write(2) a line. The level and an optional time prefix are process settings.
// Code that runs inside the user's script logs through a sink that the script can silence.
#pragma once

#include <functional>
#include <string_view>

namespace moai {

enum class LogLevel { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3, kOff = 4 };

void log(LogLevel level, std::string_view text);
inline void log_debug(std::string_view text) { log(LogLevel::kDebug, text); }
inline void log_info(std::string_view text) { log(LogLevel::kInfo, text); }
inline void log_warning(std::string_view text) { log(LogLevel::kWarning, text); }
inline void log_error(std::string_view text) { log(LogLevel::kError, text); }

void set_log_level(LogLevel level);
// With it each line starts "[YYYY-MM-DD HH:MM:SS.mmm] ".
void set_log_timestamps(bool on);

}  // namespace moai
