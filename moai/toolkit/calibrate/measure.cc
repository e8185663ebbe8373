#include "moai/toolkit/calibrate/measure.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <ostream>
#include <sstream>
#include <thread>

#include "moai/base/file.h"
#include "moai/base/median.h"
#include "moai/base/process.h"
#include "moai/compiler/cost/calibration/call_variants.h"
#include "moai/toolkit/child_process.h"

namespace moai::toolkit {
namespace {

using Clock = std::chrono::steady_clock;
using compiler::cost::MeasuredCall;

constexpr int kSecondsMax = 3600;
constexpr int64_t kSweeps = 2;  // of a cache, so that nothing of it is left
constexpr int64_t kSweptMax = int64_t{1} << 29;
constexpr std::chrono::seconds kSayEvery{2};

// What an accelerator takes a hundred microseconds for, and of the types that it is used with.
const compiler::cost::VariantLimits kAcceleratorLimits{
    .bytes_max = 256e6,
    .list_bytes_max = 2e9,
    .flops_max = 1e11,
    .scaled_flops_max = 2e10,
    .whole_flops_max = 2e12,
    .dtypes = {tensor::DType::kFloat32, tensor::DType::kBFloat16}};

// Says how far a program is that prints parts of one, and when it will be done.
class Eta {
 public:
  Eta(std::ostream& err, std::string what, std::string log)
      : err_(err), what_(std::move(what)), log_(std::move(log)) {}

  void look() {
    const auto now = Clock::now();
    if (now - said_ < kSayEvery) return;
    said_ = now;
    const std::vector<std::string> lines = lines_of(log_);
    // The last line may have come in part.
    if (!lines.empty()) done_ = std::max(done_, std::strtod(lines.back().c_str(), nullptr));
    const double taken = std::chrono::duration<double>(now - begin_).count();
    char text[96];
    if (done_ > 0) {
      std::snprintf(text, sizeof text, "%3.0f %%, %.0f s to go", 100 * done_,
                    taken * (1 - done_) / done_);
    } else {
      std::snprintf(text, sizeof text, "%.0f s", taken);
    }
    err_ << "[info] " << what_ << "... " << text << '\n' << std::flush;
  }

 private:
  std::ostream& err_;
  const std::string what_, log_;
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point said_ = begin_;
  double done_ = 0;
};

Status run_measure(const std::vector<std::string>& arguments, const std::string& what,
                   const ScratchFolder& folder, Terminal& terminal) {
  SpawnOptions options{.argv = {program_directory() + "/moai-measure"},
                       .environment = {{"OMP_WAIT_POLICY", "passive"}},
                       .log_path = folder.file("log"),
                       .truncate_log = true};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  MOAI_ASSIGN_OR_RETURN(const int64_t pid, spawn(options));
  Eta eta(terminal.err, what, options.log_path);
  MOAI_ASSIGN_OR_RETURN(const int status, wait_for_child(pid, kSecondsMax, [&eta] { eta.look(); }));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ok_status();
  return unavailable("moai-measure " + how_it_ended(status) + "; " +
                     last_lines(lines_of(options.log_path)));
}

Result<std::vector<ops::BoundCall>> read_calls(const std::string& path) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  std::vector<ops::BoundCall> calls;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    auto call = ops::bound_call_from_string(line);
    if (!call) return invalid_argument(path + " has a line that is no call: " + line);
    calls.push_back(std::move(*call));
  }
  return calls;
}

// Workers that have processors of their own.
int at_once(const MeasureOptions& options) {
  const auto processors = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, std::min(options.devices, processors / options.threads));
}

// Written to leave nothing in a cache; 0 where no caches are known.
int64_t far_sweep_bytes(const MeasureOptions& options) {
  return options.is_cpu() ? std::min(kSweptMax, kSweeps * options.shared_cache_bytes) : 0;
}

struct LineToMeasure {
  std::string call{};
  bool beside = false;
};

Result<std::vector<LineToMeasure>> lines_to_measure(const MeasureOptions& options) {
  const compiler::cost::VariantLimits limits =
      options.is_cpu() ? compiler::cost::VariantLimits{} : kAcceleratorLimits;
  MOAI_ASSIGN_OR_RETURN(const auto first, read_calls(options.calls_file));
  std::vector<LineToMeasure> lines;
  const auto add = [&](const std::vector<ops::BoundCall>& calls, bool beside) {
    for (const ops::BoundCall& c : calls) {
      lines.push_back({ops::to_string(c.signature, {c.storages, c.words}), beside});
    }
  };
  add(compiler::cost::call_variants(first, limits), false);
  if (!options.beside_file.empty()) {
    MOAI_ASSIGN_OR_RETURN(const auto beside, read_calls(options.beside_file));
    add(beside, true);
  }
  return lines;
}

Status measure_calls(const MeasureOptions& options, const ScratchFolder& folder, Terminal& terminal,
                     Measured* measured) {
  MOAI_ASSIGN_OR_RETURN(const auto lines, lines_to_measure(options));
  const std::string in = folder.file("calls"), out = folder.file("times");
  std::string text;
  for (const LineToMeasure& line : lines) text += line.call + "\n";
  MOAI_RETURN_IF_ERROR(write_file(in, text));
  const int64_t cold = options.is_cpu() ? kSweeps * options.cache_bytes : 0;
  std::vector<std::string> arguments = {"calls",
                                        in,
                                        out,
                                        "--device-kind",
                                        options.device_kind,
                                        "--threads",
                                        std::to_string(options.threads),
                                        "--rounds",
                                        std::to_string(options.rounds),
                                        "--cold",
                                        std::to_string(cold),
                                        "--far",
                                        std::to_string(far_sweep_bytes(options)),
                                        "--ranks",
                                        std::to_string(options.is_cpu() ? at_once(options) : 1)};
  if (options.least) arguments.emplace_back("--least");
  MOAI_RETURN_IF_ERROR(run_measure(arguments, "Measuring calls", folder, terminal));
  std::string times;
  size_t at = 0;
  for (const std::string& line : lines_of(out)) {
    const bool beside = at < lines.size() && lines[at++].beside;
    if (beside == !options.beside_file.empty()) times += line + "\n";
    if (beside) continue;
    const size_t tab = line.find('\t');
    const auto call = ops::bound_call_from_string(std::string_view(line).substr(tab + 1));
    char* end = nullptr;
    const double us = std::strtod(line.c_str(), &end), cold_us = std::strtod(end, &end);
    const double far_us = std::strtod(end, nullptr);
    if (!call || !(us > 0)) {
      ++measured->refused;
    } else {
      measured->calls.push_back({call->signature, us * 1e-6, cold_us * 1e-6, far_us * 1e-6});
    }
  }
  return options.times_file.empty() ? ok_status() : write_file(options.times_file, times);
}

// Of a rank's collective over so many bytes, as cost::fetched_bytes() counts what is beyond caches.
double touched_bytes(cluster::Collective kind, double bytes, int ranks) {
  using enum cluster::Collective;
  return kind == kAllGather || kind == kReduceScatter ? bytes + bytes / ranks : 2 * bytes;
}

Status measure_collectives(int ranks, const MeasureOptions& options, const ScratchFolder& folder,
                           Terminal& terminal, Measured* measured) {
  const std::string out = folder.file("collectives"), count = std::to_string(ranks);
  MOAI_RETURN_IF_ERROR(
      run_measure({"collectives", count, out, "--rounds", std::to_string(options.rounds), "--far",
                   std::to_string(far_sweep_bytes(options))},
                  "Measuring collectives of " + count + " Workers", folder, terminal));
  constexpr cluster::Collective kKinds[] = {
      cluster::Collective::kAllGather, cluster::Collective::kReduceScatter,
      cluster::Collective::kAllReduce, cluster::Collective::kAllToAll};
  std::map<std::string, cluster::MeasuredCollective> rows;
  std::map<std::string, std::vector<double>> far_byte_s;
  for (const cluster::Collective kind : kKinds) {
    rows[std::string(cluster::collective_name(kind))] = {.kind = kind,
                                                         .shape = {.ranks_per_node = ranks}};
  }
  for (const std::string& line : lines_of(out)) {
    std::istringstream words(line);
    std::string kind;
    double bytes = 0, us = 0, far_us = 0;
    if (!(words >> kind >> bytes >> us >> far_us) || !rows.contains(kind)) continue;
    rows[kind].points.emplace_back(bytes, us * 1e-6);
    if (far_us == 0) continue;
    far_byte_s[kind].push_back((far_us - us) * 1e-6 / touched_bytes(rows[kind].kind, bytes, ranks));
  }
  for (auto& [kind, row] : rows) {
    row.far_byte_s = std::max(0.0, lower_median(far_byte_s[kind]));
    if (row.points.empty()) return internal_error("moai-measure told nothing of " + kind);
    measured->collectives.push_back(std::move(row));
  }
  return ok_status();
}

// Of the first processor, as the kernel says it; 0 where it says nothing. (What the C library says
// of a virtual machine's shared cache may be that of the whole host.)
int64_t cache_bytes_of_level(const std::string& level) {
  const std::filesystem::path caches = "/sys/devices/system/cpu/cpu0/cache";
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(caches, none)) {
    const auto line = [&](const char* name) {
      const std::vector<std::string> lines = lines_of((entry.path() / name).string());
      return lines.empty() ? std::string() : lines[0];
    };
    if (line("level") != level || line("type") == "Instruction") continue;
    const std::string size = line("size");  // "1024K"
    const int64_t number = std::strtoll(size.c_str(), nullptr, 10);
    return size.ends_with('M') ? number << 20 : number << 10;
  }
  return 0;
}

}  // namespace

int64_t processor_cache_bytes() {
  const int64_t bytes = cache_bytes_of_level("2");
  return bytes > 0 ? bytes : 1 << 20;
}

int64_t shared_cache_bytes() { return cache_bytes_of_level("3"); }

Result<Measured> measure_machine(const MeasureOptions& options, Terminal& terminal) {
  MOAI_ASSIGN_OR_RETURN(const ScratchFolder folder, ScratchFolder::make("calibrate"));
  const Interrupts interrupts;  // from before there is something to end
  Measured measured;
  MOAI_RETURN_IF_ERROR(measure_calls(options, folder, terminal, &measured));
  for (int ranks = 2; options.is_cpu() && ranks <= options.devices; ranks *= 2) {
    MOAI_RETURN_IF_ERROR(measure_collectives(ranks, options, folder, terminal, &measured));
  }
  return measured;
}

}  // namespace moai::toolkit
