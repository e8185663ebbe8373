#include "moai/compiler/cost/profile/error_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"
#include "moai/compiler/cost/profile/fit.h"

namespace moai::compiler::cost {
namespace {

TEST(ErrorTable, ProfilesPredictRowsTheyWereNotFittedTo) {
  const auto errors = all_row_errors(MOAI_SOURCE);
  ASSERT_TRUE(errors.ok()) << errors.status().to_string();
  std::printf("%s", to_markdown(*errors).c_str());
  for (const RowError& e : *errors) {
    if (e.fitted) {
      EXPECT_LT(std::abs(e.error()), 0.02) << e.row;
    }
  }
  const Spread spread = held_out_spread(*errors);
  EXPECT_LE(spread.median, 0.06);
  EXPECT_LE(spread.largest, 0.15);
}

TEST(ErrorTable, FilesHoldTheConstantsThatTheFitGives) {
  const auto rows = shipped_rows(MOAI_SOURCE);
  const auto profiles = shipped_profiles(MOAI_SOURCE);
  ASSERT_TRUE(rows.ok() && profiles.ok());
  for (const SoftwareProfile& profile : *profiles) {
    const auto cluster =
        cluster::read_cluster(std::string(MOAI_CLUSTERS) + "/" + profile.cluster + ".toml");
    ASSERT_TRUE(cluster.ok()) << cluster.status().to_string();
    std::vector<AnchorRow> fitted;
    for (const AnchorRow& row : *rows) {
      if (row.profile == profile.name && row.fitted) fitted.push_back(row);
    }
    EXPECT_EQ(fitted.size(), 2u) << profile.name;
    const auto fit = fit_profile(profile, *cluster, fitted);
    ASSERT_TRUE(fit.ok()) << fit.status().to_string();
    EXPECT_NEAR(profile.gemm_efficiency, fit->gemm_efficiency, 0.001) << profile.name;
    EXPECT_NEAR(profile.traffic, fit->traffic, 0.002) << profile.name;
  }
}

TEST(ErrorTable, ThePageInTheDocsIsThisTable) {
  const auto errors = all_row_errors(MOAI_SOURCE);
  const auto page = read_file(std::string(MOAI_SOURCE) + "/docs/cost-model.md");
  ASSERT_TRUE(errors.ok() && page.ok());
  const std::string table = to_markdown(*errors);
  EXPECT_NE(page->find(table), std::string::npos) << "put this into docs/cost-model.md:\n" << table;
}

TEST(ErrorTable, SpreadIsOfSizes) {
  const auto of = [](std::initializer_list<double> held_out) {
    std::vector<RowError> errors;
    for (const double e : held_out) errors.push_back({.held_out = e});
    return held_out_spread(errors);
  };
  EXPECT_EQ(of({}).largest, 0);
  EXPECT_EQ(of({-0.3, 0.1, 0.2}).median, 0.2);
  EXPECT_EQ(of({-0.3, 0.1, 0.2}).largest, 0.3);
  EXPECT_DOUBLE_EQ(of({0.1, 0.3}).median, 0.2);
}

}  // namespace
}  // namespace moai::compiler::cost
