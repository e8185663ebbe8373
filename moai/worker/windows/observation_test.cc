#include "moai/worker/windows/observation.h"

#include <gmock/gmock.h>

#include "moai/worker/testing/front.h"

namespace moai::worker {
namespace {

using testing::HasSubstr;

constexpr graph::SignatureId kAdd = 0, kUniform = 1, kSkip = 2, kEmpty = 3;

class ObservationTest : public testing::Test {
 protected:
  ObservationTest() {
    for (const char* text : {"aten::add.Tensor(f64[2], f64[2], word) -> f64[2]",
                             "aten::uniform_(f64[2]!, word, word, generator) -> _",
                             "moai::skip_if(f32[])", "aten::aminmax(f64[2]) -> f64[2], f64[0]"}) {
      signatures_.intern(signature_of(text));
    }
    // Slot 0 is there before; the others are made one after the other.
    for (uint64_t i = 0; i < 20; ++i) builder_.call(kAdd, {i, 0, i + 1}, {0});
  }
  Instance run(uint64_t word, bool last_released = false) {
    Instance i{.words = std::vector<uint64_t>(20, 1),
               .released = std::vector<bool>(21, true),
               .input_bytes = std::vector<uint64_t>(21)};
    i.words[3] = word;
    i.released[0] = false;
    i.released[20] = last_released;
    i.input_bytes[0] = 16;
    return i;
  }
  Result<std::string> request(const Observation& o) {
    return o.request(builder_.get(), "2.13.0", "AVX2 of somebody", 2);
  }

  graph::SignatureTable signatures_;
  ProgramBuilder builder_{true};
};

TEST_F(ObservationTest, AsksForWhatTheRunsHaveInCommon) {
  Observation o(builder_.get(), signatures_);
  o.add(run(5));
  o.add(run(6));
  EXPECT_EQ(o.runs(), 2u);
  EXPECT_EQ(o.calls(), 20u);
  const auto text = request(o);
  ASSERT_TRUE(text.ok()) << text.status().to_string();
  EXPECT_THAT(*text, HasSubstr("moai-compile-request 1\ntorch 2.13.0\nprocessor AVX2 of somebody\n"
                               "threads 2\nbytes 0:16\nlive 20\nwords 1 1 1 - 1 "));
  EXPECT_THAT(*text, HasSubstr("\ntemplate 21 slots\n%1 = aten::add.Tensor("));
}

TEST_F(ObservationTest, FitsRunsThatDifferInParametersAlone) {
  Observation o(builder_.get(), signatures_);
  o.add(run(5));
  PackageLayout layout;
  EXPECT_TRUE(o.fits(run(5), layout));
  EXPECT_FALSE(o.fits(run(6), layout));
  layout.parameters = {{3, {.dtype = tensor::DType::kFloat64}}};
  EXPECT_TRUE(o.fits(run(6), layout));
  Instance other = run(5);
  other.words[4] = 9;
  EXPECT_FALSE(o.fits(other, layout));
  other = run(5);
  other.input_bytes[0] = 32;
  EXPECT_FALSE(o.fits(other, layout));
  other = run(5);
  other.released[7] = false;
  EXPECT_FALSE(o.fits(other, layout)) << "it is looked at later";
  EXPECT_TRUE(o.fits(run(5, true), layout)) << "what comes out need not be kept";
}

TEST_F(ObservationTest, ResultsWithoutElementsMayShareASlot) {
  builder_.call(kEmpty, {20, 21, 22}).call(kEmpty, {20, 23, 22});
  Observation o(builder_.get(), signatures_);
  Instance i = run(5);
  i.released.resize(24, true);
  i.input_bytes.resize(24);
  o.add(i);
  EXPECT_TRUE(request(o).ok()) << request(o).status().to_string();
}

TEST_F(ObservationTest, SaysWhyThereIsNoUseInAsking) {
  Observation few(ProgramBuilder(true).call(kAdd, {0, 0, 1}, {0}).get(), signatures_);
  EXPECT_THAT(few.request(ProgramBuilder(true).get(), "", "", 1).status().message(),
              HasSubstr("too few operators"));
  for (const auto& [signature, why] : {std::pair(kUniform, "aten::uniform_ draws random numbers"),
                                       std::pair(kSkip, "moai::skip_if is no operator of torch")}) {
    ProgramBuilder with = builder_;
    with.call(signature, {20}, std::vector<uint64_t>(signature == kUniform ? 4 : 0));
    Observation o(with.get(), signatures_);
    Instance i = run(5);
    i.words.resize(24);
    o.add(i);
    EXPECT_THAT(o.request(with.get(), "", "", 1).status().message(), HasSubstr(why));
  }
  ProgramBuilder anew = builder_;
  anew.call(kAdd, {20, 0, 7}, {0});
  EXPECT_THAT(
      Observation(anew.get(), signatures_).request(anew.get(), "", "", 1).status().message(),
      HasSubstr("made anew"));
  builder_.resize(20, 64);
  EXPECT_THAT(Observation(builder_.get(), signatures_)
                  .request(builder_.get(), "", "", 1)
                  .status()
                  .message(),
              HasSubstr("a storage is resized"));
}

}  // namespace
}  // namespace moai::worker
