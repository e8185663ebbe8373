#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <ostream>
#include <thread>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"
#include "moai/session/local/local_options.h"
#include "moai/toolkit/calibrate/machine_cluster.h"
#include "moai/toolkit/moai.h"

namespace moai::toolkit {
namespace {

struct Flags {
  MeasureOptions measure{
      .calls_file = std::string(MOAI_SOURCE) + "/clusters/calls.txt", .devices = 0, .threads = 0};
  std::string out;
};

uint64_t memory_of(const session::LocalOptions& local, int devices) {
  if (local.memory_bytes != 0) return local.memory_bytes;
  const auto all = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                   static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return all / 2 / static_cast<uint64_t>(devices);
}

Json calibration_json(const std::string& file, const cluster::Cluster& c, const Measured& m,
                      double seconds) {
  return {{"file", file},
          {"device", c.device.name},
          {"devices", c.devices()},
          {"operators", c.device.operators.size()},
          {"calls", m.calls.size()},
          {"refused", m.refused},
          {"collectives", m.collectives.size()},
          {"seconds", seconds}};
}

Result<int> calibrate(Flags flags, Context& context, bool json) {
  const auto begin = std::chrono::steady_clock::now();
  MOAI_ASSIGN_OR_RETURN(const session::LocalOptions local, session::local_options());
  const int processors = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  MeasureOptions& o = flags.measure;
  if (o.threads == 0) o.threads = local.threads ? static_cast<int>(local.threads) : processors;
  if (o.devices == 0) o.devices = o.is_cpu() ? static_cast<int>(local.devices) : 1;
  if (!o.is_cpu() && flags.out.empty()) {
    return invalid_argument("--out says where the description of an accelerator goes");
  }
  const std::string file = flags.out.empty() ? machine_file() : flags.out;
  MOAI_ASSIGN_OR_RETURN(const Measured measured, measure_machine(o, context.terminal));
  const cluster::Cluster c = machine_cluster(o, measured, memory_of(local, o.devices));
  std::string text = "# Made by `moai calibrate --device-kind " + o.device_kind + "`.\n";
  if (o.is_cpu()) {
    text = "# Made by `moai calibrate --devices " + std::to_string(o.devices) + " --threads " +
           std::to_string(o.threads) +
           "`; moai plan and jobs on CPU Workers read it as this machine.\n";
  }
  if (flags.out.empty()) std::filesystem::create_directories(local.state_dir);
  MOAI_RETURN_IF_ERROR(write_file(file, text + cluster::to_toml(c)));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  if (json) {
    print_json(context.terminal, calibration_json(file, c, measured, taken.count()));
    return kDone;
  }
  context.terminal.out << "Measured " << measured.calls.size() << " calls of "
                       << c.device.operators.size() << " operators and "
                       << measured.collectives.size() << " collectives of " << c.device.name
                       << " in " << static_cast<int>(taken.count()) << " s.\nWritten to " << file
                       << (flags.out.empty() ? ", which is read as this machine.\n" : ".\n");
  return kDone;
}

}  // namespace

void declare_calibrate(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<Flags>();  // of the options and of the action
  CLI::App* command = add_command(app, invocation, "calibrate",
                                  "measures this machine's CPU Workers, for moai plan and jobs");
  command->add_option("--out", flags->out, "where to write; without it, as this machine");
  command
      ->add_option("--devices", flags->measure.devices,
                   "Workers of the description; without it those of the local platform")
      ->check(CLI::Range(1, 64));
  command->add_option("--threads", flags->measure.threads, "of a Worker; likewise")
      ->check(CLI::Range(1, 1024));
  command->add_option("--rounds", flags->measure.rounds, "how often everything is measured")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_flag("--least", flags->measure.least,
                    "of the rounds of a call the least counts, in place of the middle one");
  command->add_option("--calls", flags->measure.calls_file,
                      "calls to begin with, one a line (docs/formats/call.md)");
  command
      ->add_option("--device-kind", flags->measure.device_kind,
                   "cpu, cuda or hip: what Workers of the description run on")
      ->check(CLI::IsMember({"cpu", "cuda", "hip"}))
      ->capture_default_str();
  command->add_option("--times", flags->measure.times_file,
                      "where the microseconds of each call are left, too");
  command->add_option("--beside", flags->measure.beside_file,
                      "calls measured in turns with those, which the description does not learn "
                      "of: --times has theirs alone");
  command->footer(
      "Nothing else should run meanwhile.\n"
      "Examples:\n"
      "  moai calibrate                            this machine, as moai plan and jobs see it\n"
      "  moai calibrate --threads 1 --out two.toml --devices 2\n"
      "  moai plan --cluster two.toml:2 train.py   with what was measured\n"
      "  moai calibrate --device-kind cuda --out gpu.toml --calls calls.txt   the first GPU");
  command->callback([&invocation, flags] {
    invocation.action = [flags](Context& context, bool json) {
      return calibrate(*flags, context, json);
    };
  });
}

}  // namespace moai::toolkit
