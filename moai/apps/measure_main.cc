// moai-measure: what calibration needs to know of this machine.
//   moai-measure calls IN OUT              microseconds of each call of IN, a line each: the
//                                          microseconds, a tab, the call; "-": it is refused.
//                                          With --cold BYTES those of a cold call after them,
//                                          with --device-kind of a device that is no processor
//   moai-measure collectives RANKS OUT     of each kind among processes of this host: the kind,
//                                          bytes, microseconds
// Progress goes to stdout, as parts of one.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <sstream>

#include "moai/apps/measure/measured_collectives.h"
#include "moai/base/file.h"
#include "moai/device/aten/aten_device.h"
#include "moai/device/timing/call_timer.h"
#include "moai/ops/call_text.h"

namespace moai {
namespace {

// Of a device that computes while the next call is made.
constexpr int kCallsInARow = 20;
constexpr uint64_t kHeldBytesMax = uint64_t{8} << 30;

struct Flags {
  std::string in, out;
  device::DeviceOptions device;
  int ranks = 2, rounds = 5;
  device::CallTimerOptions timer;
};

void show(double part) {
  std::printf("%.4f\n", part);
  std::fflush(stdout);
}

Result<std::vector<std::string>> read_calls(const std::string& path) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  std::istringstream lines(text);
  std::vector<std::string> calls;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && !line.starts_with('#')) calls.push_back(line);
  }
  return calls;
}

std::string microseconds(const std::optional<device::CallSeconds>& seconds, bool cold) {
  if (!seconds) return "-";
  char us[64];
  const int n = std::snprintf(us, sizeof us, "%.3f", seconds->warm * 1e6);
  if (cold) {
    std::snprintf(us + n, sizeof us - static_cast<size_t>(n), " %.3f", seconds->cold * 1e6);
  }
  return us;
}

// Of `texts` from `begin` on, as far as the device comes: a call may end it (an address outside, on
// an accelerator), and then all that follow fail in this process.
struct Part {
  size_t end = 0;  // of what was tried; the last one ended the device where more follows
  std::string lines{};
};

Result<Part> measure_part(const Flags& flags, const std::vector<std::string>& texts, size_t begin) {
  std::vector<device::CallToTime> calls;
  for (size_t i = begin; i < texts.size(); ++i) {
    auto call = ops::bound_call_from_string(texts[i]);
    if (!call) return invalid_argument("[apps.measure] no call: " + texts[i]);
    calls.push_back({std::move(call->signature), std::move(call->words)});
  }
  MOAI_ASSIGN_OR_RETURN(auto device, device::make_aten_device(flags.device));
  device::CallTimerOptions options = flags.timer;
  if (flags.device.kind == "cpu") {
    options.on_this_thread = flags.device.threads == 1;
  } else {
    options.calls_in_a_row = kCallsInARow;
    options.held_bytes_max = kHeldBytesMax;
  }
  options.progress = [&](size_t done, size_t all) {
    show((static_cast<double>(begin) + static_cast<double>(calls.size()) *
                                           static_cast<double>(done) / static_cast<double>(all)) /
         static_cast<double>(texts.size()));
  };
  size_t lost = calls.size();
  options.failed = [&](size_t call, const Status& why, bool is_lost) {
    if (is_lost) lost = call;
    if (!is_lost) return;
    std::fprintf(stderr, "moai-measure: the device was lost at %s: %s\n",
                 texts[begin + call].c_str(), why.message().c_str());
  };
  const auto seconds = device::time_calls(device.get(), calls, options);
  // What was timed in an earlier round counts, though the device was lost in a later one.
  size_t end = std::min(lost + 1, calls.size());
  while (end < calls.size() && seconds[end]) ++end;
  Part part{.end = begin + end};
  for (size_t i = 0; i < end; ++i) {
    part.lines +=
        microseconds(seconds[i], options.cold_bytes != 0) + "\t" + texts[begin + i] + "\n";
  }
  return part;
}

// In a process of its own, which leaves its lines in `out` and how far it came in `out`.end.
Result<Part> measure_apart(const Flags& flags, const std::vector<std::string>& texts,
                           size_t begin) {
  const std::string lines = flags.out + ".part", end = flags.out + ".end";
  const pid_t child = ::fork();
  if (child < 0) return unavailable("[apps.measure] cannot fork");
  if (child == 0) {
    const auto part = measure_part(flags, texts, begin);
    Status status = part.status();
    if (status.ok()) status = write_file(lines, part->lines);
    if (status.ok()) status = write_file(end, std::to_string(part->end));
    if (!status.ok()) std::fprintf(stderr, "moai-measure: %s\n", status.message().c_str());
    ::_exit(status.ok() ? 0 : 1);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return unavailable("[apps.measure] measuring ended by itself");
  }
  MOAI_ASSIGN_OR_RETURN(std::string text, read_file(lines));
  MOAI_ASSIGN_OR_RETURN(const std::string number, read_file(end));
  ::unlink(lines.c_str());
  ::unlink(end.c_str());
  return Part{.end = std::strtoull(number.c_str(), nullptr, 10), .lines = std::move(text)};
}

Status measure_calls(const Flags& flags) {
  MOAI_ASSIGN_OR_RETURN(const std::vector<std::string> texts, read_calls(flags.in));
  const bool apart = flags.device.kind != "cpu";
  std::string out;
  for (size_t begin = 0; begin < texts.size();) {
    MOAI_ASSIGN_OR_RETURN(const Part part, apart ? measure_apart(flags, texts, begin)
                                                 : measure_part(flags, texts, begin));
    out += part.lines;
    begin = part.end;
  }
  return write_file(flags.out, out);
}

Status measure_collectives(const Flags& flags) {
  MOAI_ASSIGN_OR_RETURN(const std::string out,
                        apps::measured_collectives(flags.ranks, flags.rounds, show));
  return write_file(flags.out, out);
}

int run(int count, char** arguments) {
  CLI::App app("Measures what calibration needs to know of this machine.", "moai-measure");
  Flags flags;
  Status status;
  const auto add = [&](const char* name, const char* text, auto measure) {
    CLI::App* command = app.add_subcommand(name, text);
    command->callback([&flags, &status, measure] { status = measure(flags); });
    return command;
  };
  CLI::App* calls = add("calls", "microseconds of operator calls", measure_calls);
  calls->add_option("in", flags.in, "calls, one a line (docs/formats/call.md)")->required();
  calls->add_option("out", flags.out)->required();
  calls->add_option("--threads", flags.device.threads)->check(CLI::Range(1, 1024));
  calls->add_option("--device-kind", flags.device.kind, "cpu, cuda or hip");
  calls->add_option("--device-index", flags.device.index)->check(CLI::Range(0, 1024));
  calls->add_option("--rounds", flags.timer.rounds)->check(CLI::Range(1, 1000));
  calls->add_option("--runs", flags.timer.runs)->check(CLI::Range(1, 1000));
  calls->add_option("--cold", flags.timer.cold_bytes)->check(CLI::Range(0, 1 << 30));
  CLI::App* collectives = add("collectives", "microseconds of collectives", measure_collectives);
  collectives->add_option("ranks", flags.ranks)->required()->check(CLI::Range(2, 64));
  collectives->add_option("out", flags.out)->required();
  collectives->add_option("--rounds", flags.rounds)->check(CLI::Range(1, 1000));
  app.require_subcommand(1);
  CLI11_PARSE(app, count, arguments);
  if (status.ok()) return 0;
  std::fprintf(stderr, "moai-measure: %s\n", status.message().c_str());
  return 1;
}

}  // namespace
}  // namespace moai

int main(int count, char** arguments) { return moai::run(count, arguments); }
