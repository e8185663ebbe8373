#include "moai/session/local/local_options.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "moai/base/environment.h"
#include "moai/base/process.h"
#include "moai/base/site_settings.h"

namespace moai::session {
namespace {

constexpr uint64_t kDevicesMax = 1024;

std::string variable(const char* name) { return environment(name).value_or(""); }

// Leaves `value` alone when the variable is not set.
template <class T>
Status read_number(const char* name, uint64_t min, uint64_t max, T* value) {
  const std::string text = variable(name);
  if (text.empty()) return ok_status();
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < min || number > max) {
    return invalid_argument(std::string("[session.local] ") + name + " must be a number from " +
                            std::to_string(min) + " to " + std::to_string(max) + ": " + text);
  }
  *value = static_cast<T>(number);
  return ok_status();
}

}  // namespace

Result<uint64_t> parse_bytes(const std::string& text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  int shift = -1;
  if (unit.empty() || unit == "B") shift = 0;
  if (unit == "KiB" || unit == "K") shift = 10;
  if (unit == "MiB" || unit == "M") shift = 20;
  if (unit == "GiB" || unit == "G") shift = 30;
  if (error != std::errc() || shift < 0 || number == 0 || number > (UINT64_MAX >> 1 >> shift)) {
    return invalid_argument("[session.local] not a size of memory: \"" + text +
                            "\"; write for example 8GiB");
  }
  return number << shift;
}

Result<LocalOptions> local_options() {
  LocalOptions options;
  options.state_dir = state_directory();
  options.program_dir = program_directory();
  options.flavors = variable("MOAI_LOCAL_FLAVORS");
  options.compile_python = variable("MOAI_COMPILE_PYTHON");
  if (const std::string probe = variable("MOAI_LOCAL_PROBE"); !probe.empty()) {
    constexpr std::string_view kProbes[] = {"simulated", "cpu", "nvidia"};
    if (std::ranges::find(kProbes, probe) == std::end(kProbes)) {
      return invalid_argument(
          "[session.local] MOAI_LOCAL_PROBE must be simulated, cpu or nvidia: " + probe);
    }
    options.probe = probe;
  }
  MOAI_RETURN_IF_ERROR(read_number("MOAI_LOCAL_DEVICES", 1, kDevicesMax, &options.devices));
  MOAI_RETURN_IF_ERROR(read_number("MOAI_LOCAL_THREADS", 1, 4096, &options.threads));
  MOAI_RETURN_IF_ERROR(read_number("MOAI_LOCAL_JOB_DEVICES", 1, kDevicesMax, &options.job_devices));
  MOAI_RETURN_IF_ERROR(read_number("MOAI_LOCAL_IDLE_EXIT", 0, 1'000'000'000, &options.idle_exit_s));
  if (const std::string memory = variable("MOAI_DEVICE_MEMORY"); !memory.empty()) {
    MOAI_ASSIGN_OR_RETURN(options.memory_bytes, parse_bytes(memory));
  }
  return options;
}

}  // namespace moai::session
