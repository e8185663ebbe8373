// Steps in virtual time, for bench/virtual.py:
//   compiler_virtual calls [--few] MODEL...          distinct calls of any rank under any plan;
//                                                    on 2 and 4 devices alone
//   compiler_virtual catalogue MODEL...              calls for calibration to begin with
//   compiler_virtual table TIMES CLUSTER             predicted and measured microseconds of calls
//   compiler_virtual run TIMES CLUSTER MODEL...      plans, predicted and simulated
//   compiler_virtual off TIMES CLUSTER MODEL N       the automatic plan for N devices: by operator
//                                                    the first rank's calls, microseconds
//                                                    predicted and measured
//   compiler_virtual counts FILE                     of a real Worker (docs/formats/worker.md)
//   compiler_virtual taken FILE CLUSTER              its calls' microseconds beside the predicted
//   ones
// MODEL is a recording. Devices are those of the cluster, up to 64.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <sstream>
#include <string_view>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"
#include "moai/compiler/conformance/virtual/attention_calls.h"
#include "moai/compiler/conformance/virtual/compare_plans.h"
#include "moai/compiler/conformance/virtual/emitted_step.h"
#include "moai/compiler/conformance/virtual/image_calls.h"
#include "moai/compiler/cost/call_shape.h"
#include "moai/compiler/cost/kernel_cost.h"
#include "moai/compiler/cost/operator_times.h"
#include "moai/compiler/planner/choose_plan.h"
#include "moai/ops/call_text.h"
#include "moai/ops/started_call.h"

namespace moai::compiler {
namespace {

using Files = std::vector<std::string>;

constexpr int kDevices[] = {2, 3, 4, 8, 12, 16, 24, 32, 48, 64};

// Calls `see` with each distinct call, as its window and node, under all plans for so many devices.
template <class See>
Status each_call(const std::string& file, std::span<const int> devices, const See& see) {
  Model model;
  MOAI_RETURN_IF_ERROR(read_model(file, &model));
  WindowPlanner planner(model.step.window, model.step.uploaded, 1, &model.signatures);
  const bool sequence = !planner.roles().sequence.empty();
  std::set<graph::SignatureId> known;
  for (const int n : devices) {
    for (const Degrees& d : every_degrees(n, {}, sequence)) {
      for (const graph::Window& w : emit_step(planner.plan(d), &model.signatures).ranks) {
        for (const graph::Node& node : w.nodes) {
          if (node.kind != graph::NodeKind::kCall || !known.insert(node.signature).second) continue;
          const ops::CallSignature s = model.signatures.at(node.signature).signature();
          if (!s.op.starts_with("moai::")) {
            see(s, ops::to_string(s, {w.storages_of(node), w.words_of(node)}));
          }
        }
      }
    }
  }
  return ok_status();
}

Status print_calls(Files models) {
  constexpr int kFew[] = {2, 4};
  const bool few = models[0] == "--few";
  if (few) models.erase(models.begin());
  const std::span<const int> devices = few ? std::span<const int>(kFew) : kDevices;
  std::set<std::string> seen;
  for (const std::string& file : models) {
    MOAI_RETURN_IF_ERROR(
        each_call(file, devices, [&](const ops::CallSignature& s, const std::string& line) {
          if (seen.insert(ops::to_string(s)).second) std::printf("%s\n", line.c_str());
        }));
  }
  return ok_status();
}

constexpr size_t kAlike = 3, kOfOperator = 24, kMoreProducts = 3;

// Calls of one operator whose operands lie alike: those that came first, and of products some that
// lie farthest from these.
struct Likes {
  std::vector<std::pair<std::string, cluster::CallShape>> calls{};
  size_t first = 0;

  std::vector<std::string> chosen(size_t more) const {
    std::vector<std::string> lines;
    std::vector<double> apart(calls.size(), INFINITY);  // from the nearest that is chosen
    const auto choose = [&](size_t at) {
      lines.push_back(calls[at].first);
      for (size_t i = 0; i < calls.size(); ++i) {
        apart[i] = std::min(apart[i], cost::shape_distance(calls[i].second, calls[at].second));
      }
    };
    for (size_t i = 0; i < first; ++i) choose(i);
    for (; more > 0; --more) {
      const auto at = std::ranges::max_element(apart);
      if (at == apart.end() || *at == 0) break;
      choose(static_cast<size_t>(at - apart.begin()));
    }
    return lines;
  }
};

// Of each operator a few calls; then calls of fused attention and over larger images.
Status print_catalogue(const Files& models) {
  constexpr int kFew[] = {1, 2, 4};
  struct Operator {
    std::map<std::pair<double, double>, Likes> ways{};
    size_t first = 0;
  };
  std::map<std::string, Operator> found;
  std::set<std::string> seen;
  for (const std::string& file : models) {
    MOAI_RETURN_IF_ERROR(
        each_call(file, kFew, [&](const ops::CallSignature& s, const std::string& line) {
          const std::string text = ops::to_string(s);
          if (text.find("\"share\"") != std::string::npos || !seen.insert(text).second) return;
          const cluster::CallShape shape = cost::call_shape(s, cost::call_work(s));
          Operator& op = found[cost::operator_name(s)];
          Likes& likes = op.ways[{shape.layout, shape.tensors}];
          likes.calls.emplace_back(line, shape);
          if (likes.first == kAlike || op.first == kOfOperator) return;
          ++likes.first;
          ++op.first;
        }));
  }
  for (const auto& [name, op] : found) {
    for (const auto& [way, likes] : op.ways) {
      const bool product = likes.calls[0].second.m > 0;
      for (const std::string& line : likes.chosen(product ? kMoreProducts : 0)) {
        std::printf("%s\n", line.c_str());
      }
    }
  }
  for (const std::string& line : attention_calls()) std::printf("%s\n", line.c_str());
  for (const std::string& line : image_calls()) std::printf("%s\n", line.c_str());
  return ok_status();
}

Status run_models(const std::string& times, const std::string& cluster_file, const Files& models) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(times));
  MOAI_ASSIGN_OR_RETURN(const device::TimeTable table, device::TimeTable::parse(text));
  MOAI_ASSIGN_OR_RETURN(const cluster::Cluster cluster, cluster::read_cluster(cluster_file));
  std::printf(
      "model\tdevices\tplan\tbest\tover_best\tstep_us\terror\tworst_plan\tworst_error\tplans\n");
  for (const std::string& file : models) {
    Model model;
    MOAI_RETURN_IF_ERROR(read_model(file, &model));
    for (const int devices : kDevices) {
      const auto part = cluster::with_devices(cluster, devices);
      if (!part.ok()) continue;
      MOAI_ASSIGN_OR_RETURN(const PlanComparison c, compare_plans(&model, table, *part));
      std::printf("%s\t%d\t%s\t%s\t%.4f\t%.2f\t%.4f\t%s\t%.4f\t%zu\n", model.name.c_str(), devices,
                  to_string(c.chosen.degrees).c_str(), to_string(c.best.degrees).c_str(),
                  c.chosen.simulated_s / c.best.simulated_s - 1, c.chosen.simulated_s * 1e6,
                  c.chosen.error(), to_string(c.worst.degrees).c_str(), c.worst.error(), c.plans);
      for (const ClassShift& shift : c.shifts) {
        std::printf("shift\t%s\t%d\t%s\t%.2f\t%.4f\t%.4f\n", model.name.c_str(), devices,
                    std::string(shift.of_class).c_str(), shift.factor, shift.share, shift.error);
      }
      std::fflush(stdout);
    }
  }
  return ok_status();
}

Status print_off(const Files& a) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(a[0]));
  MOAI_ASSIGN_OR_RETURN(const device::TimeTable table, device::TimeTable::parse(text));
  MOAI_ASSIGN_OR_RETURN(const cluster::Cluster all, cluster::read_cluster(a[1]));
  MOAI_ASSIGN_OR_RETURN(const cluster::Cluster cluster,
                        cluster::with_devices(all, std::atoi(a[3].c_str())));
  Model model;
  MOAI_RETURN_IF_ERROR(read_model(a[2], &model));
  MOAI_ASSIGN_OR_RETURN(const PlanComparison c, compare_plans(&model, table, cluster));
  WindowPlanner planner(model.step.window, model.step.uploaded, 1, &model.signatures);
  const EmittedStep step = emit_step(planner.plan(c.chosen.degrees), &model.signatures);
  struct Sum {
    size_t calls = 0;
    double predicted_s = 0, measured_s = 0;
  };
  std::map<std::string, Sum> sums;
  for (const graph::Node& node : step.ranks[0].nodes) {
    if (node.kind != graph::NodeKind::kCall) continue;
    const ops::CallSignature s = model.signatures.at(node.signature).signature();
    if (s.op.starts_with("moai::")) continue;
    Sum& sum = sums[cost::operator_name(s)];
    MOAI_ASSIGN_OR_RETURN(const double measured, table.seconds(s));
    ++sum.calls;
    sum.predicted_s += cost::call_seconds(cluster.device, s, cost::call_work(s), {});
    sum.measured_s += measured;
  }
  for (const auto& [name, sum] : sums) {
    std::printf("%zu\t%.2f\t%.2f\t%s\n", sum.calls, 1e6 * sum.predicted_s, 1e6 * sum.measured_s,
                name.c_str());
  }
  return ok_status();
}

// What the cluster's tables say of each measured call.
Status print_table(const std::string& times, const std::string& cluster_file) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(times));
  MOAI_ASSIGN_OR_RETURN(const cluster::Cluster cluster, cluster::read_cluster(cluster_file));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t tab = line.find('\t');
    const auto call = ops::bound_call_from_string(std::string_view(line).substr(tab + 1));
    if (!call) continue;
    const ops::CallSignature& s = call->signature;
    std::printf("%.3f\t%s\t%s\n",
                1e6 * cost::call_seconds(cluster.device, s, cost::call_work(s), {}),
                cost::operator_name(s).c_str(), line.c_str());
  }
  return ok_status();
}

// What a Worker counted (docs/formats/worker.md).
struct WorkerCounts {
  struct Call {
    ops::CallSignature signature{};
    double runs = 0, us = 0;
  };
  uint64_t peak_bytes = 0, received_bytes = 0;
  std::vector<Call> calls{};
};

Result<WorkerCounts> read_counts(const std::string& file) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(file));
  WorkerCounts counts;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    uint64_t count = 0;
    words >> key >> count >> std::ws;
    if (key == "peak_bytes") counts.peak_bytes = count;
    if (key == "received_bytes") counts.received_bytes = count;
    if (key != "call") continue;
    double us = 0;
    std::string call;
    words >> us >> std::ws;
    std::getline(words, call);
    auto s = ops::call_signature_from_string(call);
    if (!s) return invalid_argument("no call: " + line);
    counts.calls.push_back({std::move(*s), static_cast<double>(count), us});
  }
  return counts;
}

// As JSON.
Status print_counts(const std::string& file) {
  MOAI_ASSIGN_OR_RETURN(const WorkerCounts counts, read_counts(file));
  double collectives = 0, flops = 0;
  for (const WorkerCounts::Call& c : counts.calls) {
    const bool exchanges = c.signature.op.starts_with("moai::") && !ops::is_wait(c.signature);
    collectives += exchanges ? c.runs : 0;
    flops += c.runs * cost::call_work(c.signature).flops;
  }
  std::printf(
      "{\"peak_bytes\": %zu, \"received_bytes\": %zu, \"collectives\": %.0f, \"flops\": %.0f}\n",
      static_cast<size_t>(counts.peak_bytes), static_cast<size_t>(counts.received_bytes),
      collectives, flops);
  return ok_status();
}

// Of all runs of each signature: runs, taken, predicted with all of it in caches, with nothing.
Status print_taken(const std::string& file, const std::string& cluster_file) {
  MOAI_ASSIGN_OR_RETURN(const WorkerCounts counts, read_counts(file));
  MOAI_ASSIGN_OR_RETURN(const cluster::Cluster cluster, cluster::read_cluster(cluster_file));
  for (const WorkerCounts::Call& c : counts.calls) {
    if (c.signature.op.starts_with("moai::")) continue;
    const cost::CallWork work = cost::call_work(c.signature);
    const cluster::OperatorTimes* table = cost::operator_times(cluster.device, c.signature);
    const auto bytes = static_cast<double>(work.bytes_read + work.bytes_written);
    const auto us = [&](bool far) {
      const double call = cost::call_seconds(cluster.device, c.signature, work, {.cold = far});
      const double fetch = far && table ? cost::fetch_seconds(*table, {bytes, bytes}) : 0;
      return 1e6 * c.runs * (call + fetch);
    };
    std::printf("%.0f\t%.1f\t%.1f\t%.1f\t%s\n", c.runs, c.us, us(false), us(true),
                ops::to_string(c.signature).c_str());
  }
  return ok_status();
}

int run(const std::vector<std::string>& a) {
  Status status = invalid_argument("usage: compiler_virtual calls|catalogue|run …");
  if (a.size() > 1 && a[0] == "calls") status = print_calls({a.begin() + 1, a.end()});
  if (a.size() > 1 && a[0] == "catalogue") status = print_catalogue({a.begin() + 1, a.end()});
  if (a.size() == 2 && a[0] == "counts") status = print_counts(a[1]);
  if (a.size() == 3 && a[0] == "taken") status = print_taken(a[1], a[2]);
  if (a.size() == 3 && a[0] == "table") status = print_table(a[1], a[2]);
  if (a.size() == 5 && a[0] == "off") status = print_off({a.begin() + 1, a.end()});
  if (a.size() > 3 && a[0] == "run") status = run_models(a[1], a[2], {a.begin() + 3, a.end()});
  if (status.ok()) return 0;
  std::fprintf(stderr, "compiler_virtual: %s\n", status.message().c_str());
  return 1;
}

}  // namespace
}  // namespace moai::compiler

int main(int count, char** arguments) {
  return moai::compiler::run({arguments + 1, arguments + count});
}
