#include "moai/ops/call.h"

#include <gtest/gtest.h>

#include <limits>

#include "moai/ops/call_text.h"

namespace moai::ops {
namespace {

tensor::Geometry geometry(const char* text) { return *tensor::geometry_from_string(text); }

Arg tensor_arg(const char* text, bool written = false) {
  return {.kind = ArgKind::kTensor, .written = written, .geometry = geometry(text)};
}
Result fresh(const char* text) { return {.kind = ResultKind::kFresh, .geometry = geometry(text)}; }

// One argument and one result of every kind.
CallSignature everything() {
  CallSignature s{.op = "aten::everything", .overload = "out"};
  s.args = {{.kind = ArgKind::kNone},
            {.kind = ArgKind::kUndefined},
            tensor_arg("f32[2,3]{1,2}+4", true),
            {.kind = ArgKind::kHostScalar, .geometry = geometry("f64[]w")},
            {.kind = ArgKind::kBool, .ints = {1}},
            {.kind = ArgKind::kInt, .ints = {-7}},
            {.kind = ArgKind::kDouble, .doubles = {-0.0}},
            {.kind = ArgKind::kDouble, .doubles = {std::numeric_limits<double>::quiet_NaN()}},
            {.kind = ArgKind::kComplex, .doubles = {1.5, -2e300}},
            {.kind = ArgKind::kString, .text = "a \"b\\x\n\xff"},
            {.kind = ArgKind::kIntList, .ints = {1, -2}},
            {.kind = ArgKind::kBoolList, .ints = {1, 0}},
            {.kind = ArgKind::kDevice},
            {.kind = ArgKind::kGenerator},
            {.kind = ArgKind::kDoubleWord},
            {.kind = ArgKind::kIntWord},
            {.kind = ArgKind::kList, .items = {tensor_arg("i64[]"), {.kind = ArgKind::kNone}}},
            {.kind = ArgKind::kDoubleList, .doubles = {0.1, 3}},
            {.kind = ArgKind::kIntList},
            {.kind = ArgKind::kList}};
  s.results = {
      {.kind = ResultKind::kIgnored},
      fresh("bf16[4,0]"),
      {.kind = ResultKind::kFresh, .auxiliary = true, .geometry = geometry("f32[1]")},
      {.kind = ResultKind::kUndefined},
      {.kind = ResultKind::kList, .items = {fresh("u8[2]*-"), {.kind = ResultKind::kUndefined}}}};
  return s;
}

std::string encoded(const CallSignature& s) {
  std::string bytes;
  Writer out(&bytes);
  encode(s, &out);
  return bytes;
}

TEST(Call, ArityCountsWhatChanges) {
  EXPECT_EQ(arity(everything()), (Arity{.operands = 2, .words = 6, .fresh = 3}));
}

TEST(Call, WrittenOperandsAreInConsumptionOrder) {
  EXPECT_EQ(written_operands(everything()), (std::vector<bool>{true, false}));
}

TEST(Call, TextIsAsSpecified) {
  CallSignature s{.op = "aten::add", .overload = "Tensor"};
  s.args = {tensor_arg("f32[2,3]", true), tensor_arg("f32[2,3]"), {.kind = ArgKind::kDoubleWord}};
  s.results = {fresh("f32[2,3]")};
  EXPECT_EQ(to_string(s), "aten::add.Tensor(f32[2,3]!, f32[2,3], word) -> f32[2,3]");
  const std::vector<uint64_t> storages = {7, 8, 9};
  const std::vector<uint64_t> words = {0x3ff0000000000000};
  EXPECT_EQ(to_string(s, {.storages = storages, .words = words}),
            "s9 = aten::add.Tensor(f32[2,3]! s7, f32[2,3] s8, word 1.0) -> f32[2,3]");
}

TEST(Call, TextParsesBack) {
  const CallSignature s = everything();
  const auto parsed = call_signature_from_string(to_string(s));
  ASSERT_TRUE(parsed) << to_string(s);
  EXPECT_EQ(*parsed, s) << to_string(s) << "\n" << to_string(*parsed);
}

TEST(Call, TextWithValuesParsesBack) {
  const CallSignature s = everything();
  const std::vector<uint64_t> storages = {1, 2, 30, 31, ~uint64_t{0}};
  const std::vector<uint64_t> words = {1, ~uint64_t{0}, 42, 9, 0x7ff8000000000123, ~uint64_t{4}};
  const std::string text = to_string(s, {.storages = storages, .words = words});
  const auto parsed = bound_call_from_string(text);
  ASSERT_TRUE(parsed) << text;
  EXPECT_EQ(parsed->signature, s);
  EXPECT_EQ(parsed->storages, storages);
  EXPECT_EQ(parsed->words, words);
}

TEST(Call, TextThatIsNoCallIsRefused) {
  for (const char* text :
       {"", "aten::add", "aten::add(", "aten::add(f32[2)", "aten::add() ->", "aten::add() x",
        "aten::add((((((1))))))", "aten::add(\"a)", "aten::add([1,)", "aten::add(word 1.0)",
        "aten::add(99999999999999999999)", "aten::add(bools[1])", "(1)"}) {
    EXPECT_FALSE(call_signature_from_string(text)) << text;
  }
  EXPECT_FALSE(bound_call_from_string("aten::add(f32[2])"));
  EXPECT_FALSE(bound_call_from_string("s1 = aten::add(f32[2] s2)"));
  const std::string long_name(1000, 'a');  // longer than a decoder takes
  EXPECT_FALSE(call_signature_from_string(long_name + "()"));
  EXPECT_FALSE(call_signature_from_string("aten::add." + long_name + "()"));
}

TEST(Call, BytesDecodeBack) {
  const std::string bytes = encoded(everything());
  Reader in(bytes);
  EXPECT_EQ(decode_call_signature(&in), everything());
  EXPECT_TRUE(in.done());
}

TEST(Call, EveryTruncationFails) {
  const std::string bytes = encoded(everything());
  for (size_t n = 0; n < bytes.size(); ++n) {
    Reader in(std::string_view(bytes).substr(0, n));
    (void)decode_call_signature(&in);
    EXPECT_FALSE(in.ok()) << n;
  }
}

TEST(Call, DecodeBoundsNestingAndItems) {
  CallSignature deep{.op = "aten::deep", .args = {{.kind = ArgKind::kNone}}};
  for (int i = 0; i < 4; ++i) deep.args = {{.kind = ArgKind::kList, .items = deep.args}};
  const std::string four = encoded(deep);
  Reader good(four);
  EXPECT_EQ(decode_call_signature(&good), deep);
  deep.args = {{.kind = ArgKind::kList, .items = deep.args}};
  const std::string five = encoded(deep);
  Reader bad(five);
  (void)decode_call_signature(&bad);
  EXPECT_FALSE(bad.ok());
  CallSignature wide{.op = "aten::wide", .args = std::vector<Arg>((1 << 16) + 1)};
  const std::string many = encoded(wide);
  Reader over(many);
  (void)decode_call_signature(&over);
  EXPECT_FALSE(over.ok());
}

TEST(Call, DecodeRefusesStrangeNamesAndMarks) {
  for (const CallSignature& s :
       {CallSignature{}, CallSignature{.op = "aten::a b"},
        CallSignature{.op = "aten::a", .overload = "x:y"},
        CallSignature{.op = "aten::a", .args = {{.kind = ArgKind::kBool, .ints = {2}}}}}) {
    const std::string bytes = encoded(s);
    Reader in(bytes);
    (void)decode_call_signature(&in);
    EXPECT_FALSE(in.ok()) << s.op;
  }
  for (const uint8_t head : {0x80, 0x11, 0x83}) {
    std::string bytes = encoded({.op = "a", .args = {{.kind = ArgKind::kNone}}});
    bytes[bytes.size() - 2] = static_cast<char>(head);
    Reader in(bytes);
    (void)decode_call_signature(&in);
    EXPECT_FALSE(in.ok()) << int{head};
  }
}

TEST(Call, HashFollowsEquality) {
  CallSignature s = everything();
  EXPECT_EQ(hash(s), hash(everything()));
  EXPECT_EQ(s, everything());
  s.args[6].doubles[0] = 0.0;
  EXPECT_NE(s, everything());
  EXPECT_NE(hash(s), hash(everything()));
}

}  // namespace
}  // namespace moai::ops
