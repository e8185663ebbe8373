// moai-measure: what calibration needs to know of this machine.
//   moai-measure calls IN OUT              microseconds of each call of IN, a line each: the
//                                          microseconds, a tab, the call; "-": it is refused.
//                                          With --cold BYTES those of a cold call after them,
//                                          with --device-kind of a device that is no processor
//   moai-measure collectives RANKS OUT     of each kind among processes of this host: the kind,
//                                          bytes, microseconds
// Progress goes to stdout, as parts of one.
#include <CLI/CLI.hpp>
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

Status measure_calls(const Flags& flags) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(flags.in));
  std::istringstream lines(text);
  std::vector<device::CallToTime> calls;
  std::vector<std::string> texts;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    auto call = ops::bound_call_from_string(line);
    if (!call) return invalid_argument("[apps.measure] no call: " + line);
    calls.push_back({std::move(call->signature), std::move(call->words)});
    texts.push_back(line);
  }
  MOAI_ASSIGN_OR_RETURN(auto device, device::make_aten_device(flags.device));
  device::CallTimerOptions options = flags.timer;
  if (flags.device.kind == "cpu") {
    options.on_this_thread = flags.device.threads == 1;
  } else {
    options.calls_in_a_row = kCallsInARow;
    options.held_bytes_max = kHeldBytesMax;
  }
  options.progress = [](size_t done, size_t all) {
    show(static_cast<double>(done) / static_cast<double>(all));
  };
  const auto seconds = device::time_calls(device.get(), calls, options);
  std::string out;
  for (size_t i = 0; i < calls.size(); ++i) {
    char us[64] = "-";
    if (seconds[i]) {
      const int n = std::snprintf(us, sizeof us, "%.3f", seconds[i]->warm * 1e6);
      if (options.cold_bytes) {
        std::snprintf(us + n, sizeof us - static_cast<size_t>(n), " %.3f", seconds[i]->cold * 1e6);
      }
    }
    out += std::string(us) + "\t" + texts[i] + "\n";
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
