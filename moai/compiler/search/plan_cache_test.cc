#include "moai/compiler/search/plan_cache.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "moai/base/file.h"
#include "moai/base/testing/temporary_directory.h"
#include "moai/cluster/cluster_file.h"

namespace moai::compiler {
namespace {

class PlanCacheTest : public testing::Test {
 protected:
  std::string only_file() const {
    for (const auto& file : std::filesystem::directory_iterator(folder_.path() + "/plans")) {
      return file.path();
    }
    return "";
  }

  TemporaryDirectory folder_;
  PlanCache cache_{folder_.path() + "/plans"};
  CachedSearch search_{
      .plans = {{.degrees = {.dp = 64,
                             .tp = 8,
                             .zero = 1,
                             .sp = true,
                             .pp = 8,
                             .microbatches = 24,
                             .recompute = Recompute::kSelective,
                             .schedule = {PipelineSchedule::Kind::kInterleaved, 12}},
                 .step_s = 1.0 / 3,
                 .exchange_s = 0.1,
                 .memory_bytes = 7e10,
                 .lower_bound_s = 0.3},
                {.degrees = {.dp = 2}, .step_s = 2, .fits = false}},
      .lower_bound_s = 0.3,
      .candidates = 812,
      .priced = 31,
      .rows = 1536,
      .family = "form 7 devices 16",
      .elements = 1e13};
};

TEST_F(PlanCacheTest, FindsWhatWasKeptUnderTheSameKeyAlone) {
  EXPECT_FALSE(cache_.find("a"));
  ASSERT_EQ(cache_.keep("a", search_), ok_status());
  EXPECT_EQ(cache_.find("a"), search_);
  EXPECT_FALSE(cache_.find("b"));
}

TEST_F(PlanCacheTest, AFileThatIsDamagedIsAsNone) {
  ASSERT_EQ(cache_.keep("a", search_), ok_status());
  const std::string file = only_file(), text = *read_file(file);
  for (size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] ^= 1;
    ASSERT_EQ(write_file(file, damaged), ok_status());
    EXPECT_FALSE(cache_.find("a")) << "byte " << i;
    ASSERT_EQ(write_file(file, text.substr(0, i)), ok_status());
    EXPECT_FALSE(cache_.find("a")) << "first " << i << " bytes";
  }
  ASSERT_EQ(cache_.keep("a", search_), ok_status()) << "it is replaced";
  EXPECT_EQ(cache_.find("a"), search_);
}

TEST_F(PlanCacheTest, AFileUnderTheNameOfAnotherKeyIsNotItsPlan) {
  ASSERT_EQ(cache_.keep("a", search_), ok_status());
  const std::string file = only_file(), text = *read_file(file);
  ASSERT_EQ(cache_.keep("b", {.plans = {{}}}), ok_status());
  for (const auto& other : std::filesystem::directory_iterator(folder_.path() + "/plans")) {
    ASSERT_EQ(write_file(other.path(), text), ok_status());
  }
  EXPECT_TRUE(cache_.find("a"));
  EXPECT_FALSE(cache_.find("b"));
}

TEST_F(PlanCacheTest, OfAFamilyTheNearestInSizeIsFound) {
  EXPECT_FALSE(cache_.nearest("f", 1));
  const auto keep = [&](const char* key, const char* family, double elements) {
    CachedSearch s = search_;
    s.family = family;
    s.elements = elements;
    ASSERT_EQ(cache_.keep(key, s), ok_status());
  };
  keep("a", "f", 100);
  keep("b", "f", 1000);
  keep("c", "other", 300);
  EXPECT_EQ(cache_.nearest("f", 290)->elements, 100);
  EXPECT_EQ(cache_.nearest("f", 330)->elements, 1000) << "nearer by the ratio";
  EXPECT_EQ(cache_.nearest("other", 1)->elements, 300);
  EXPECT_FALSE(cache_.nearest("none", 300));
  const std::string file = folder_.path() + "/plans/damaged.plan";
  ASSERT_EQ(write_file(file, *read_file(only_file()) + "x"), ok_status());
  EXPECT_EQ(cache_.nearest("f", 290)->elements, 100);
}

TEST_F(PlanCacheTest, KeepsTheNewestPlans) {
  for (size_t i = 0; i <= PlanCache::kPlansMax; ++i) {
    ASSERT_EQ(cache_.keep("key " + std::to_string(i), search_), ok_status());
  }
  size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_.path() + "/plans")) {
    files += file.is_regular_file() ? 1 : 0;
  }
  EXPECT_EQ(files, PlanCache::kPlansMax);
  EXPECT_TRUE(cache_.find("key " + std::to_string(PlanCache::kPlansMax)));
}

TEST_F(PlanCacheTest, AFolderThatCannotBeMadeIsTold) {
  ASSERT_EQ(write_file(folder_.path() + "/file", ""), ok_status());
  EXPECT_FALSE(PlanCache(folder_.path() + "/file/plans").keep("a", search_).ok());
}

TEST(PlanKey, SaysWhatASearchDependsOn) {
  const auto load = [](const char* name, int devices) {
    return cluster::load_cluster({std::string(MOAI_CLUSTERS) + "/" + name, devices}).value();
  };
  const cluster::Cluster h100 = load("h100-dgx.toml", 16);
  const std::string key = plan_key(7, h100, {.dp = 2}, "");
  EXPECT_EQ(key, plan_key(7, h100, {.dp = 2}, ""));
  EXPECT_NE(key, plan_key(8, h100, {.dp = 2}, ""));
  EXPECT_NE(key, plan_key(7, load("h100-dgx.toml", 8), {.dp = 2}, ""));
  EXPECT_NE(key, plan_key(7, load("a100-80-dgx.toml", 16), {.dp = 2}, ""));
  EXPECT_NE(key, plan_key(7, h100, {.tp = 2}, ""));
  EXPECT_NE(key, plan_key(7, h100, {.dp = 2}, "overlap"));
  cluster::Cluster other = h100;
  other.device.fitted.gemm_ramp += 1;
  EXPECT_NE(key, plan_key(7, other, {.dp = 2}, ""));
  other = h100;
  other.device.overlaps_exchanges = !h100.device.overlaps_exchanges;
  EXPECT_NE(key, plan_key(7, other, {.dp = 2}, ""));
}

TEST(Degrees, AreReadBackFromTheirText) {
  const Degrees all{.dp = 3,
                    .tp = 2,
                    .zero = 2,
                    .sp = true,
                    .pp = 4,
                    .microbatches = 8,
                    .recompute = Recompute::kFull,
                    .schedule = {.kind = PipelineSchedule::Kind::kZeroBubble}};
  for (const Degrees& d : {Degrees{}, Degrees{.dp = 8, .zero = 3}, Degrees{.pp = 2}, all}) {
    EXPECT_EQ(degrees_from_string(to_string(d)), d) << to_string(d);
  }
  for (const char* bad : {"", "dp2", "dp2 tp1", "dp2 tp1 zero4", "dp0 tp1 zero0", "dp2 tp1 zero0 x",
                          "dp2 tp1 zero0 pp2 2f2b", "dp2 tp1 zero0 recompute=some"}) {
    EXPECT_FALSE(degrees_from_string(bad)) << bad;
  }
}

}  // namespace
}  // namespace moai::compiler
