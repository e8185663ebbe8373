#include "moai/compiler/cost/profile/error_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"
#include "moai/compiler/cost/profile/fit.h"

namespace moai::compiler::cost {
namespace {

constexpr const char* kProfiles[] = {"megatron-2021", "megatron-2022-sp", "megatron-core-0.8",
                                     "llm-foundry-fsdp"};

std::string anchor_file(const std::string& root, const std::string& name) {
  return root + "/bench/anchors/" + name + ".toml";
}

std::string row_name(const AnchorRow& row) {
  if (row.measure == Measure::kLayerForwardMs) return row.name + ", forward";
  if (row.measure == Measure::kLayerBackwardMs) return row.name + ", backward";
  return row.name;
}

Result<double> predict(const SoftwareProfile& profile, const cluster::Cluster& cluster,
                       const AnchorRow& row) {
  MOAI_ASSIGN_OR_RETURN(const StepParts parts, training_step(profile, cluster, row.run));
  return predicted_seconds(row, parts);
}

Result<double> held_out_error(const SoftwareProfile& profile, const cluster::Cluster& cluster,
                              std::span<const AnchorRow> fitted, size_t left_out) {
  std::vector<AnchorRow> others(fitted.begin(), fitted.end());
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(left_out));
  MOAI_ASSIGN_OR_RETURN(const SoftwareProfile refit, fit_profile(profile, cluster, others));
  MOAI_ASSIGN_OR_RETURN(const double predicted, predict(refit, cluster, fitted[left_out]));
  return predicted / measured_seconds(fitted[left_out]) - 1;
}

// In per cent, to the digit that is printed; no sign of a zero.
double percent(double error) { return std::round(error * 1000) / 10 + 0.0; }

std::string line_of(const RowError& e) {
  const bool is_layer = e.measured_s < 0.1;
  const double scale = is_layer ? 1e3 : 1;
  const char* unit = is_layer ? "ms" : "s";
  char text[256];
  std::snprintf(text, sizeof text, "| %s | %s | %.3g %s | %.3g %s | %+.1f %% | %+.1f %% |\n",
                e.profile.c_str(), e.row.c_str(), e.measured_s * scale, unit, e.predicted_s * scale,
                unit, percent(e.error()), percent(e.held_out));
  return text;
}

}  // namespace

Result<std::vector<RowError>> row_errors(const SoftwareProfile& profile,
                                         const cluster::Cluster& cluster,
                                         std::span<const AnchorRow> rows) {
  std::vector<AnchorRow> fitted;
  for (const AnchorRow& row : rows) {
    if (row.profile == profile.name && row.fitted) fitted.push_back(row);
  }
  std::vector<RowError> errors;
  size_t seen = 0;
  for (const AnchorRow& row : rows) {
    if (row.profile != profile.name) continue;
    RowError e{.profile = row.profile,
               .row = row_name(row),
               .fitted = row.fitted,
               .measured_s = measured_seconds(row)};
    MOAI_ASSIGN_OR_RETURN(e.predicted_s, predict(profile, cluster, row));
    e.held_out = e.error();
    if (row.fitted) {
      MOAI_ASSIGN_OR_RETURN(e.held_out, held_out_error(profile, cluster, fitted, seen++));
    }
    errors.push_back(e);
  }
  return errors;
}

Result<std::vector<SoftwareProfile>> shipped_profiles(const std::string& root) {
  std::vector<SoftwareProfile> profiles;
  for (const char* name : kProfiles) {
    MOAI_ASSIGN_OR_RETURN(SoftwareProfile profile, read_profile(anchor_file(root, name)));
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

Result<std::vector<AnchorRow>> shipped_rows(const std::string& root) {
  const std::string path = anchor_file(root, "rows");
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  return anchor_rows_from_toml(text, path);
}

Result<std::vector<RowError>> all_row_errors(const std::string& root) {
  MOAI_ASSIGN_OR_RETURN(const std::vector<AnchorRow> rows, shipped_rows(root));
  MOAI_ASSIGN_OR_RETURN(const std::vector<SoftwareProfile> profiles, shipped_profiles(root));
  std::vector<RowError> all;
  for (const SoftwareProfile& profile : profiles) {
    const std::string file = root + "/clusters/" + profile.cluster + ".toml";
    MOAI_ASSIGN_OR_RETURN(const cluster::Cluster cluster, cluster::read_cluster(file));
    MOAI_ASSIGN_OR_RETURN(const std::vector<RowError> errors, row_errors(profile, cluster, rows));
    all.insert(all.end(), errors.begin(), errors.end());
  }
  return all;
}

std::string to_markdown(std::span<const RowError> errors) {
  std::string out = "| profile | row | measured | predicted | error | held out |\n";
  out += "|---|---|---|---|---|---|\n";
  for (const RowError& e : errors) out += line_of(e);
  const Spread spread = held_out_spread(errors);
  char text[128];
  std::snprintf(text, sizeof text, "\nHeld out: median %.1f %%, largest %.1f %%.\n",
                spread.median * 100, spread.largest * 100);
  return out + text;
}

Spread held_out_spread(std::span<const RowError> errors) {
  std::vector<double> sizes;
  for (const RowError& e : errors) sizes.push_back(std::abs(e.held_out));
  if (sizes.empty()) return {};
  std::ranges::sort(sizes);
  const size_t half = sizes.size() / 2;
  const double median = sizes.size() % 2 ? sizes[half] : (sizes[half - 1] + sizes[half]) / 2;
  return {.median = median, .largest = sizes.back()};
}

}  // namespace moai::compiler::cost
