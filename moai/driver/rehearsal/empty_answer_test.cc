#include "moai/driver/rehearsal/empty_answer.h"

#include <gtest/gtest.h>

namespace moai::driver {
namespace {

std::string answer(const std::string& text) {
  const auto signature = ops::call_signature_from_string(text);
  EXPECT_TRUE(signature) << text;
  const auto values = empty_answer(*signature);
  if (!values) return "unknown";
  std::string out;
  for (const dispatch::Value& v : *values) {
    out += (out.empty() ? "" : ", ");
    out += v.kind == dispatch::Value::Kind::kTensor ? tensor::to_string(v.geometry) : "false";
    EXPECT_EQ(v.storage, 0u);
    EXPECT_EQ(v.integer, 0);
  }
  return out;
}

TEST(EmptyAnswer, NothingIsFound) {
  EXPECT_EQ(answer("aten::masked_select(f32[2,3], bool[2,3]) -> _"), "f32[0]");
  EXPECT_EQ(answer("aten::nonzero(f32[2,3]) -> _"), "i64[0,2]");
  EXPECT_EQ(answer("aten::_unique2(i64[2,3], true, true, true) -> _, _, _"),
            "i64[0], i64[2,3], i64[0]");
  EXPECT_EQ(answer("aten::equal(f32[2], f32[2]) -> _"), "false");
}

TEST(EmptyAnswer, CountsAreAsManyAsAreAskedFor) {
  EXPECT_EQ(answer("aten::bincount(i64[5], undefined, 7) -> _"), "i64[7]");
  EXPECT_EQ(answer("aten::bincount(i64[5], f32[5], 0) -> _"), "f32[0]");
  EXPECT_EQ(answer("aten::histc(f32[5], 4, 0, 3) -> _"), "f32[4]");
}

TEST(EmptyAnswer, AMaskTakesItsDimensions) {
  EXPECT_EQ(answer("aten::index.Tensor(f32[2,3,4], (bool[2,3])) -> _"), "f32[0,4]");
  EXPECT_EQ(answer("aten::index.Tensor(f32[2,3,4], (none, bool[3])) -> _"), "f32[2,0,4]");
  EXPECT_EQ(answer("aten::index.Tensor(f32[2,3,4], (none, none, bool[4])) -> _"), "f32[2,3,0]");
  EXPECT_EQ(answer("aten::index.Tensor(f32[2,3,4], (bool[2], none, i64[5])) -> _"), "f32[0,3]");
}

TEST(EmptyAnswer, OthersAreNotKnown) {
  EXPECT_EQ(answer("aten::index.Tensor(f32[2,3], (i64[4])) -> _"), "unknown");
  EXPECT_EQ(answer("aten::_ctc_loss(f32[2,3]) -> _"), "unknown");
}

}  // namespace
}  // namespace moai::driver
