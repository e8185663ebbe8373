#include "moai/apps/measure/measured_calls.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "moai/apps/measure/forked_ranks.h"
#include "moai/base/file.h"
#include "moai/comm/collective/shared_memory.h"
#include "moai/ops/call_text.h"

namespace moai::apps {
namespace {

// Of a device that computes while the next call is made.
constexpr int kCallsInARow = 20;
constexpr uint64_t kHeldBytesMax = uint64_t{8} << 30;

using Texts = std::vector<std::string>;

std::string microseconds(const std::optional<device::CallSeconds>& seconds,
                         const device::CallTimerOptions& options) {
  if (!seconds) return "-";
  char us[64];
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

// Of `texts` from `begin` on, as far as the device comes: a call may end it (an address outside, on
// an accelerator), and then all that follow fail in this process.
struct Part {
  size_t end = 0;  // of what was tried; the last one ended the device where more follows
  std::string lines{};
};

Result<Part> measure_part(const MeasuredCallsOptions& o, const Texts& texts, size_t begin,
                          device::CallTimerOptions timer) {
  std::vector<device::CallToTime> calls;
  for (size_t i = begin; i < texts.size(); ++i) {
    auto call = ops::bound_call_from_string(texts[i]);
    if (!call) return invalid_argument("[apps.measure] no call: " + texts[i]);
    calls.push_back({std::move(call->signature), std::move(call->words)});
  }
  MOAI_ASSIGN_OR_RETURN(auto device, device::make_aten_device(o.device));
  size_t lost = calls.size();
  timer.failed = [&](size_t call, const Status& why, bool is_lost) {
    if (!is_lost) return;
    lost = call;
    std::fprintf(stderr, "moai-measure: the device was lost at %s: %s\n",
                 texts[begin + call].c_str(), why.message().c_str());
  };
  const auto seconds = device::time_calls(device.get(), calls, timer);
  // What was timed in an earlier round counts, though the device was lost in a later one.
  size_t end = std::min(lost + 1, calls.size());
  while (end < calls.size() && seconds[end]) ++end;
  Part part{.end = begin + end};
  for (size_t i = 0; i < end; ++i) {
    part.lines += microseconds(seconds[i], timer) + "\t" + texts[begin + i] + "\n";
  }
  return part;
}

// As Workers on processors of their own.
Result<std::string> measure_on_processors(const MeasuredCallsOptions& o, const Texts& texts) {
  const std::string name = "measure-" + std::to_string(::getpid());
  std::string lines;
  MOAI_RETURN_IF_ERROR(run_forked_ranks(o.ranks, [&](int rank) -> Status {
    device::CallTimerOptions timer = o.timer;
    timer.on_this_thread = o.device.threads == 1;
    timer.any_order = true;
    if (rank == 0) {
      timer.progress = [&](size_t done, size_t all) {
        o.progress(static_cast<double>(done) / static_cast<double>(all));
      };
    }
    std::unique_ptr<comm::Group> group;
    if (o.ranks > 1) {
      MOAI_ASSIGN_OR_RETURN(
          group, comm::join_shared_memory({.name = name, .rank = rank, .size = o.ranks}));
      timer.together = [&group] { return group->barrier(); };
    }
    MOAI_ASSIGN_OR_RETURN(Part part, measure_part(o, texts, 0, timer));
    if (group) MOAI_RETURN_IF_ERROR(group->barrier());  // it names what broke it
    lines = std::move(part.lines);
    return ok_status();
  }));
  return lines;
}

// On an accelerator, in a process of its own, which leaves its lines and how far it came in files.
Result<Part> measure_apart(const MeasuredCallsOptions& o, const Texts& texts, size_t begin) {
  device::CallTimerOptions timer = o.timer;
  timer.calls_in_a_row = kCallsInARow;
  timer.held_bytes_max = kHeldBytesMax;
  timer.progress = [&](size_t done, size_t all) {
    const auto calls = static_cast<double>(texts.size() - begin);
    o.progress((static_cast<double>(begin) +
                calls * static_cast<double>(done) / static_cast<double>(all)) /
               static_cast<double>(texts.size()));
  };
  const std::string lines = o.scratch + ".part", end = o.scratch + ".end";
  const pid_t child = ::fork();
  if (child < 0) return unavailable("[apps.measure] cannot fork");
  if (child == 0) {
    const auto part = measure_part(o, texts, begin, timer);
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

}  // namespace

Result<std::string> measured_calls(const Texts& calls, const MeasuredCallsOptions& options) {
  if (options.device.kind == "cpu") return measure_on_processors(options, calls);
  std::string out;
  for (size_t begin = 0; begin < calls.size();) {
    MOAI_ASSIGN_OR_RETURN(const Part part, measure_apart(options, calls, begin));
    out += part.lines;
    begin = part.end;
  }
  return out;
}

}  // namespace moai::apps
