#include "moai/worker/exec/overwrites.h"

#include <gmock/gmock.h>

#include "moai/worker/testing/front.h"

namespace moai::worker {
namespace {

using testing::ElementsAre;

std::vector<uint64_t> of(const std::string& text) { return overwritten_bytes(signature_of(text)); }

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

TEST(Overwrites, ListsCountTheirItems) {
  EXPECT_THAT(of("aten::_foreach_add_.List((f64[3]!, f64[2]!), (f64[3], f64[2]), word)"),
              ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace moai::worker
