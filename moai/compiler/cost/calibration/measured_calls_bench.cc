// measured_calls CLUSTER TIMES [OUT]: how far the prices of CLUSTER are from measured calls, which
// `moai calibrate --times TIMES` or moai-measure left; without tables of operators, and with them
// where the file has some. With OUT the tables fitted to TIMES are written into a copy of CLUSTER.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <sstream>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"
#include "moai/compiler/cost/calibration/fit_operators.h"
#include "moai/compiler/cost/kernel_cost.h"
#include "moai/ops/call_text.h"

namespace moai::compiler::cost {
namespace {

Result<std::vector<MeasuredCall>> read_times(const std::string& path) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  std::vector<MeasuredCall> calls;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t tab = line.find('\t');
    const double us = std::strtod(line.c_str(), nullptr);
    if (tab == std::string::npos || !(us > 0)) continue;  // refused
    auto call = ops::bound_call_from_string(std::string_view(line).substr(tab + 1));
    if (!call) return invalid_argument(path + " has a line that is no call: " + line);
    calls.push_back({.signature = std::move(call->signature), .seconds = us * 1e-6});
  }
  return calls;
}

const char* kind_name(WorkKind kind) {
  switch (kind) {
    case WorkKind::kProduct:
      return "products";
    case WorkKind::kAttention:
      return "attention";
    case WorkKind::kMemory:
      return "element-wise and others";
    case WorkKind::kNothing:
      break;
  }
  return nullptr;
}

constexpr double kShort_s = 20e-6;  // launches are most of it
// Kept in a description: half the size of what calibration keeps.
constexpr OperatorFitOptions kKept = {.rows_max = 12, .product_rows_max = 64};

struct Error {
  double relative = 0, predicted_s = 0;
  const MeasuredCall* call = nullptr;
};

void print_errors(const cluster::DeviceKind& device, const std::vector<MeasuredCall>& calls,
                  const char* what) {
  std::map<std::string, std::vector<Error>> groups;
  for (const MeasuredCall& c : calls) {
    const CallWork work = call_work(c.signature);
    const char* kind = kind_name(work.kind);
    if (!kind) continue;
    const double s = call_seconds(device, c.signature, work);
    std::string of = kind;
    if (work.kind != WorkKind::kMemory) of.append(", ").append(tensor::dtype_name(work.dtype));
    if (c.seconds < kShort_s) of += ", below 20 us";
    groups[of].push_back({s / c.seconds - 1, s, &c});
  }
  std::printf("%s\n%-44s %6s %8s %8s %8s\n", what, "", "calls", "median", "9 in 10", "largest");
  for (auto& [of, errors] : groups) {
    std::ranges::sort(errors, {}, [](const Error& e) { return std::abs(e.relative); });
    const auto at = [&](double part) {
      return 100 *
             errors[static_cast<size_t>(part * static_cast<double>(errors.size() - 1))].relative;
    };
    std::printf("%-44s %6zu %+7.1f%% %+7.1f%% %+7.1f%%\n", of.c_str(), errors.size(), at(0.5),
                at(0.9), at(1));
    const Error& worst = errors.back();
    std::printf("    %.1f us, predicted %.1f: %.150s\n", worst.call->seconds * 1e6,
                worst.predicted_s * 1e6, ops::to_string(worst.call->signature).c_str());
  }
}

Status run(const std::string& file, const std::string& times, const std::string& out) {
  MOAI_ASSIGN_OR_RETURN(cluster::Cluster cluster, cluster::read_cluster(file));
  MOAI_ASSIGN_OR_RETURN(const std::vector<MeasuredCall> calls, read_times(times));
  const auto tables = std::exchange(cluster.device.operators, {});
  print_errors(cluster.device, calls, "by the constants of the device");
  cluster.device.operators = tables;
  if (!out.empty()) cluster.device.operators = fit_operators(calls, kKept);
  if (!cluster.device.operators.empty()) print_errors(cluster.device, calls, "by the tables");
  return out.empty() ? ok_status() : write_file(out, cluster::to_toml(cluster));
}

}  // namespace
}  // namespace moai::compiler::cost

int main(int count, char** arguments) {
  if (count != 3 && count != 4) {
    std::fprintf(stderr, "usage: measured_calls CLUSTER TIMES [OUT]\n");
    return 2;
  }
  const moai::Status status =
      moai::compiler::cost::run(arguments[1], arguments[2], count == 4 ? arguments[3] : "");
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return status.ok() ? 0 : 2;
}
