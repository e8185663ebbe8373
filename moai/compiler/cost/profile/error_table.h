// How far predictions are from the published rows.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/compiler/cost/profile/anchor_rows.h"

namespace moai::compiler::cost {

struct RowError {
  std::string profile{};
  std::string row{};
  bool fitted = false;
  double measured_s = 0;
  double predicted_s = 0;  // with the profile's constants
  // Relative error; of a fitted row, when the profile is fitted without it.
  double held_out = 0;

  double error() const { return predicted_s / measured_s - 1; }
};

// Rows of `profile` among `rows`. What a fitted row is held out from is the fit to the others.
Result<std::vector<RowError>> row_errors(const SoftwareProfile& profile,
                                         const cluster::Cluster& cluster,
                                         std::span<const AnchorRow> rows);

// Everything under `root`: bench/anchors/*.toml against clusters/*.toml. Profiles by name.
Result<std::vector<RowError>> all_row_errors(const std::string& root);
Result<std::vector<SoftwareProfile>> shipped_profiles(const std::string& root);
Result<std::vector<AnchorRow>> shipped_rows(const std::string& root);

// A table in Markdown, and a last line with median and largest held-out error.
std::string to_markdown(std::span<const RowError> errors);

struct Spread {
  double median = 0;
  double largest = 0;
};
// Of the sizes of held-out errors.
Spread held_out_spread(std::span<const RowError> errors);

}  // namespace moai::compiler::cost
