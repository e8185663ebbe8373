// moai-measure: what calibration needs to know of this machine.
//   moai-measure calls IN OUT              microseconds of each call of IN, a line each: the
//                                          microseconds, a tab, the call; "-": it is refused.
//                                          With --cold BYTES those of a cold call after them, with
//                                          --far BYTES those of a far one, 0 where there is none;
//                                          with --ranks N N processes make the calls at once
//   moai-measure collectives RANKS OUT     of each kind among processes of this host: the kind,
//                                          bytes, microseconds
// Progress goes to stdout, as parts of one.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <sstream>

#include "moai/apps/measure/forked_ranks.h"
#include "moai/apps/measure/measured_collectives.h"
#include "moai/base/file.h"
#include "moai/comm/collective/shared_memory.h"
#include "moai/device/aten/aten_device.h"
#include "moai/device/timing/call_timer.h"
#include "moai/ops/call_text.h"

namespace moai {
namespace {

struct Flags {
  std::string in, out;
  int threads = 1, ranks = 1, rounds = 5;
  device::CallTimerOptions timer;
};

void show(double part) {
  std::printf("%.4f\n", part);
  std::fflush(stdout);
}

struct Calls {
  std::vector<device::CallToTime> calls{};
  std::vector<std::string> texts{};
};

Result<Calls> read_calls(const std::string& path) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  std::istringstream lines(text);
  Calls read;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    auto call = ops::bound_call_from_string(line);
    if (!call) return invalid_argument("[apps.measure] no call: " + line);
    read.calls.push_back({std::move(call->signature), std::move(call->words)});
    read.texts.push_back(line);
  }
  return read;
}

std::string line_of(const std::optional<device::CallSeconds>& seconds,
                    const device::CallTimerOptions& options) {
  if (!seconds) return "-";
  char us[96];
  std::snprintf(us, sizeof us, "%.3f", seconds->warm * 1e6);
  std::string line = us;
  const auto add = [&](uint64_t asked, double s) {
    if (!asked) return;
    std::snprintf(us, sizeof us, " %.3f", s * 1e6);
    line += us;
  };
  add(options.cold_bytes, seconds->cold);
  add(options.far_bytes, seconds->far);
  return line;
}

// Of one of the processes that make the calls at once; the first writes what it measured.
Status measure_as(int rank, const Flags& flags, const Calls& read, const std::string& group_name) {
  MOAI_ASSIGN_OR_RETURN(auto device, device::make_aten_device({.threads = flags.threads}));
  device::CallTimerOptions options = flags.timer;
  options.on_this_thread = flags.threads == 1;
  if (rank == 0) {
    options.progress = [](size_t done, size_t all) {
      show(static_cast<double>(done) / static_cast<double>(all));
    };
  }
  std::unique_ptr<comm::Group> group;
  if (flags.ranks > 1) {
    MOAI_ASSIGN_OR_RETURN(
        group, comm::join_shared_memory({.name = group_name, .rank = rank, .size = flags.ranks}));
    options.together = [&group] { return group->barrier(); };
  }
  const auto seconds = device::time_calls(device.get(), read.calls, options);
  if (group) MOAI_RETURN_IF_ERROR(group->barrier());  // it names what broke it
  if (rank != 0) return ok_status();
  std::string out;
  for (size_t i = 0; i < read.calls.size(); ++i) {
    out += line_of(seconds[i], options) + "\t" + read.texts[i] + "\n";
  }
  return write_file(flags.out, out);
}

Status measure_calls(const Flags& flags) {
  MOAI_ASSIGN_OR_RETURN(const Calls read, read_calls(flags.in));
  const std::string name = "measure-" + std::to_string(::getpid());
  return apps::run_forked_ranks(flags.ranks,
                                [&](int rank) { return measure_as(rank, flags, read, name); });
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
  calls->add_option("--threads", flags.threads)->check(CLI::Range(1, 1024));
  calls->add_option("--rounds", flags.timer.rounds)->check(CLI::Range(1, 1000));
  calls->add_option("--runs", flags.timer.runs)->check(CLI::Range(1, 1000));
  calls->add_option("--cold", flags.timer.cold_bytes)->check(CLI::Range(0, 1 << 30));
  calls->add_option("--far", flags.timer.far_bytes)->check(CLI::Range(0, 1 << 30));
  calls->add_option("--ranks", flags.ranks)->check(CLI::Range(1, 64));
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
