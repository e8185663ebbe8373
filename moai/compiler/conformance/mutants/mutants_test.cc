// No mistake that changes a result passes the verifier; `./dev bench mutants` makes more of them.
#include <gtest/gtest.h>

#include "moai/compiler/conformance/mutants/schedule_mutants.h"
#include "moai/device/aten/aten_device.h"

namespace moai::compiler {
namespace {

constexpr int kMutants = 12;  // a class
constexpr unsigned kSeed = 20261126;

template <class Classes>
void expect_no_escape(MutantTable* table, const Classes& classes) {
  for (const MutantClass& c : classes) {
    const MutantRow row = table->run(c, kMutants, kSeed);
    EXPECT_EQ(row.escapes, std::vector<std::string>()) << row.name;
    EXPECT_EQ(row.mutants, kMutants) << row.name;
    // Mistakes that change nothing would show nothing.
    EXPECT_GT(row.changed, 0) << row.name;
  }
}

class Mutants : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto device = device::make_aten_device({});
    ASSERT_TRUE(device.ok()) << device.status().to_string();
    device_ = std::move(*device);
    table_ = std::make_unique<MutantTable>(device_.get(), all_mutant_models());
  }
  static void TearDownTestSuite() {
    table_.reset();
    device_.reset();
  }

  static inline std::unique_ptr<device::Device> device_;
  static inline std::unique_ptr<MutantTable> table_;
};

TEST_F(Mutants, OriginalsVerify) {
  EXPECT_GT(table_->originals(), 100u);
  EXPECT_EQ(table_->false_alarms(), std::vector<std::string>());
}

TEST_F(Mutants, NoneThatChangesAResultEscapes) {
  expect_no_escape(table_.get(), all_mutant_classes());
}

TEST(StageMutants, NoneThatChangesAResultEscapes) {
  auto device = device::make_aten_device({});
  ASSERT_TRUE(device.ok()) << device.status().to_string();
  MutantTable table(device->get(), all_mutant_models(), MutantTable::Plans::kStages);
  EXPECT_EQ(table.false_alarms(), std::vector<std::string>());
  expect_no_escape(&table, stage_mutants());
}

TEST(StartedMutants, NoneThatChangesAResultEscapes) {
  auto device = device::make_aten_device({});
  ASSERT_TRUE(device.ok()) << device.status().to_string();
  MutantTable table(device->get(), {"mlp", "gpt", "llama", "fused"}, MutantTable::Plans::kOverlaps);
  EXPECT_EQ(table.false_alarms(), std::vector<std::string>());
  expect_no_escape(&table, started_mutants());
}

TEST(ScheduleMutants, NoneThatChangesAResultEscapes) {
  for (const ScheduleMistake mistake : {ScheduleMistake::kOrder, ScheduleMistake::kUnmatched}) {
    const MutantRow row = run_schedule_mutants(mistake, 300, kSeed);
    EXPECT_EQ(row.escapes, std::vector<std::string>()) << row.name;
    EXPECT_GT(row.changed, 50) << row.name;
    // An order that only takes longer is none that is wrong.
    if (mistake == ScheduleMistake::kOrder) {
      EXPECT_EQ(row.caught, row.changed);
    }
  }
}

}  // namespace
}  // namespace moai::compiler
