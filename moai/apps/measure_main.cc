// moai-measure: what calibration needs to know of this machine.
//   moai-measure calls IN OUT              microseconds of each call of IN, a line each: the
//                                          microseconds, a tab, the call; "-": it is refused.
//                                          With --cold BYTES those of a cold call after them, with
//                                          --far BYTES those of a far one, 0 where there is none;
//                                          with --ranks N N processes make the calls at once; with
//                                          --device-kind of a device that is no processor
//   moai-measure collectives RANKS OUT     of each kind among processes of this host: the kind,
//                                          bytes, microseconds, with --far BYTES those of data
//                                          beyond all caches, 0 for few bytes
// Progress goes to stdout, as parts of one.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <sstream>

#include "moai/apps/measure/measured_calls.h"
#include "moai/apps/measure/measured_collectives.h"
#include "moai/base/file.h"

namespace moai {
namespace {

struct Flags {
  std::string in, out;
  apps::MeasuredCallsOptions calls;
  int ranks = 2, rounds = 5;  // of collectives
  size_t far_bytes = 0;       // likewise
};

void show(double part) {
  std::printf("%.4f\n", part);
  std::fflush(stdout);
}

Status measure_calls(const Flags& flags) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(flags.in));
  std::istringstream lines(text);
  std::vector<std::string> calls;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && !line.starts_with('#')) calls.push_back(line);
  }
  apps::MeasuredCallsOptions options = flags.calls;
  options.scratch = flags.out;
  options.progress = show;
  MOAI_ASSIGN_OR_RETURN(const std::string out, apps::measured_calls(calls, options));
  return write_file(flags.out, out);
}

Status measure_collectives(const Flags& flags) {
  MOAI_ASSIGN_OR_RETURN(const std::string out, apps::measured_collectives(flags.ranks, flags.rounds,
                                                                          flags.far_bytes, show));
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
  device::DeviceOptions& device = flags.calls.device;
  device::CallTimerOptions& timer = flags.calls.timer;
  calls->add_option("in", flags.in, "calls, one a line (docs/formats/call.md)")->required();
  calls->add_option("out", flags.out)->required();
  calls->add_option("--threads", device.threads)->check(CLI::Range(1, 1024));
  calls->add_option("--device-kind", device.kind, "cpu, cuda or hip");
  calls->add_option("--device-index", device.index)->check(CLI::Range(0, 1024));
  calls->add_option("--rounds", timer.rounds)->check(CLI::Range(1, 1000));
  calls->add_option("--runs", timer.runs)->check(CLI::Range(1, 1000));
  calls->add_option("--cold", timer.cold_bytes)->check(CLI::Range(0, 1 << 30));
  calls->add_option("--far", timer.far_bytes)->check(CLI::Range(0, 1 << 30));
  calls->add_flag("--least", timer.least, "of rounds the least, in place of the middle one");
  calls->add_option("--ranks", flags.calls.ranks)->check(CLI::Range(1, 64));
  CLI::App* collectives = add("collectives", "microseconds of collectives", measure_collectives);
  collectives->add_option("ranks", flags.ranks)->required()->check(CLI::Range(2, 64));
  collectives->add_option("out", flags.out)->required();
  collectives->add_option("--rounds", flags.rounds)->check(CLI::Range(1, 1000));
  collectives->add_option("--far", flags.far_bytes)->check(CLI::Range(0, 1 << 30));
  app.require_subcommand(1);
  CLI11_PARSE(app, count, arguments);
  if (status.ok()) return 0;
  std::fprintf(stderr, "moai-measure: %s\n", status.message().c_str());
  return 1;
}

}  // namespace
}  // namespace moai

int main(int count, char** arguments) { return moai::run(count, arguments); }
