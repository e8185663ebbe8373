#include "moai/ops/overwrites.h"

#include <gmock/gmock.h>

namespace moai::ops {
namespace {

using testing::ElementsAre;

std::vector<uint64_t> of(const std::string& text) {
  return overwritten_bytes(call_signature_from_string(text).value());
}

TEST(Overwrites, AFillingOperatorOverwritesItsFirstOperand) {
  EXPECT_THAT(of("aten::copy_(f64[3]!, f64[3], false) -> _"), ElementsAre(24, 0));
  EXPECT_THAT(of("aten::fill_.Scalar(f32[2,3]!, word) -> _"), ElementsAre(24));
  EXPECT_THAT(of("aten::normal_(f32[4]!, word, word, generator) -> _"), ElementsAre(16));
}

TEST(Overwrites, APartOrAStridedViewIsNoOverwriting) {
  EXPECT_THAT(of("aten::fill_.Scalar(f64[2]{1}+1!, word) -> _"), ElementsAre(0));
  EXPECT_THAT(of("aten::fill_.Scalar(f64[2]{2}!, word) -> _"), ElementsAre(0));
}

TEST(Overwrites, AnInPlaceOperatorReadsWhatItWrites) {
  EXPECT_THAT(of("aten::add_.Tensor(f64[3]!, f64[3], word) -> _"), ElementsAre(0, 0));
}

TEST(Overwrites, OutVariantsOverwriteTheirOutputs) {
  EXPECT_THAT(of("aten::add.out(f64[3], f64[3], word, f64[3]!) -> _"), ElementsAre(0, 0, 24));
  EXPECT_THAT(of("aten::normal.Tensor_float_out(f64[3], word, generator, f64[3]!) -> _"),
              ElementsAre(0, 24));
}

TEST(Overwrites, APartThatIsFilledIsNotRead) {
  const auto filled = [](const std::string& text) {
    return filled_operands(call_signature_from_string(text).value());
  };
  EXPECT_THAT(filled("aten::copy_(f64[2]{2}+1!, f64[2], false) -> _"), ElementsAre(true, false));
  EXPECT_THAT(filled("aten::add_.Tensor(f64[3]!, f64[3], word) -> _"), ElementsAre(false, false));
}

TEST(Overwrites, ListsCountTheirItems) {
  EXPECT_THAT(of("aten::_foreach_add_.List((f64[3]!, f64[2]!), (f64[3], f64[2]), word)"),
              ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace moai::ops
