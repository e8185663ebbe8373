#include "moai/device/fake/timed_device.h"

#include <gmock/gmock.h>

#include "moai/device/conformance/device_conformance.h"

namespace moai::device {
namespace {

constexpr const char* kTimes =
    "# a processor\n"
    "2.000\ts3 = aten::add.Tensor(f64[4] s1, f64[4] s2, word 1.0) -> f64[4]\n"
    "6.000\ts3 = aten::add.Tensor(f64[12] s1, f64[12] s2, word 1.0) -> f64[12]\n"
    "-\ts2 = aten::sum(f64[4] s1) -> f64[]\n"
    "5.000\ts3 = aten::mm(f64[2,2] s1, f64[2,2] s2) -> f64[2,2]\n";

ops::CallSignature add_of(int n) {
  const std::string t = "f64[" + std::to_string(n) + "]";
  return signature_of(("aten::add.Tensor(" + t + ", " + t + ", word) -> " + t).c_str());
}

TEST(TimeTable, SaysWhatWasMeasured) {
  const auto table = TimeTable::parse(kTimes);
  ASSERT_TRUE(table.ok()) << table.status().to_string();
  EXPECT_EQ(table->size(), 3u);
  EXPECT_TRUE(table->measured(add_of(4)));
  EXPECT_DOUBLE_EQ(*table->seconds(add_of(4)), 2e-6);
}

TEST(TimeTable, BetweenTwoMeasuredCallsLiesALine) {
  const auto table = TimeTable::parse(kTimes);
  ASSERT_TRUE(table.ok());
  EXPECT_FALSE(table->measured(add_of(8)));
  EXPECT_NEAR(*table->seconds(add_of(8)), 4e-6, 1e-12);
  EXPECT_NEAR(*table->seconds(add_of(100)), 6e-6, 1e-12);
  EXPECT_EQ(table->seconds(signature_of("aten::sum(f64[4]) -> f64[]")).status().code(),
            Code::kNotFound);
}

TEST(TimeTable, AClassIsScaledAlone) {
  auto table = TimeTable::parse(kTimes);
  ASSERT_TRUE(table.ok());
  table->scale("elementwise", 1.2);
  EXPECT_DOUBLE_EQ(*table->seconds(add_of(4)), 2.4e-6);
  EXPECT_DOUBLE_EQ(*table->seconds(signature_of("aten::mm(f64[2,2], f64[2,2]) -> f64[2,2]")), 5e-6);
}

TEST(TimeTable, ALineThatIsNoCallIsNamed) {
  EXPECT_THAT(TimeTable::parse("1.0\tnonsense\n").status().message(),
              testing::HasSubstr("nonsense"));
}

TEST(TimeTable, OperatorsHaveClasses) {
  EXPECT_EQ(operator_class("aten::_foreach_add_"), "list");
  EXPECT_EQ(operator_class("aten::addmm"), "product");
  EXPECT_EQ(operator_class("aten::native_layer_norm"), "normalization");
  EXPECT_EQ(operator_class("aten::embedding_dense_backward"), "indexed");
  EXPECT_EQ(operator_class("aten::gelu"), "elementwise");
}

TEST(TimedDevice, CallsTakeTheirTimeAndResultsTheirBytes) {
  const auto table = TimeTable::parse(kTimes);
  ASSERT_TRUE(table.ok());
  const auto device = make_timed_device(&*table);
  const auto call = device->prepare(add_of(4));
  ASSERT_TRUE(call.ok());
  const auto a = device->allocate(32), b = device->allocate(32);
  Buffer* operands[] = {a->get(), b->get()};
  std::vector<BufferPtr> fresh(1);
  const std::vector<uint64_t> words = {0};
  ASSERT_EQ((*call)->run(operands, words, fresh), ok_status());
  EXPECT_DOUBLE_EQ(device->now_s(), 2e-6);
  EXPECT_EQ(fresh[0]->size_bytes(), 32u);
  EXPECT_EQ(device->allocated_bytes(), 96u);
  fresh.clear();
  EXPECT_EQ(device->allocated_bytes(), 64u);
  EXPECT_EQ(device->peak_bytes(), 96u);
}

TEST(TimedDevice, AnOperandThatIsTooSmallIsRefused) {
  const auto table = TimeTable::parse(kTimes);
  ASSERT_TRUE(table.ok());
  const auto device = make_timed_device(&*table);
  const auto call = device->prepare(add_of(4));
  const auto a = device->allocate(8);
  Buffer* operands[] = {a->get(), a->get()};
  std::vector<BufferPtr> fresh(1);
  const std::vector<uint64_t> words = {0};
  EXPECT_EQ((*call)->run(operands, words, fresh).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace moai::device
