// Sample calls of the rows of ops/sharding, as text. For tests.
//
// Sizes of one call differ from each other and are at least 3 where that is possible, so that every
// factor has three pieces of different length. Numbers are drawn, ints and indices below 3; words
// are 0.5, or 1 where they are ints, unless given.
#pragma once

#include <vector>

#include "moai/device/aten/conformance/sharding/validator_testing.h"

namespace moai::device::sharding {

struct SampleText {
  const char* call;
  std::vector<double> words{};
  bool are_chances = false;     // numbers lie between 0 and 1
  std::vector<int64_t> ends{};  // of groups: the only operand of ints
};

std::vector<SampleText> product_samples();
std::vector<SampleText> attention_samples();
std::vector<SampleText> layer_samples();
std::vector<SampleText> loss_samples();
std::vector<SampleText> convolution_samples();
std::vector<SampleText> image_samples();
std::vector<SampleText> sampling_samples();
std::vector<SampleText> index_samples();
std::vector<SampleText> reduction_samples();
std::vector<SampleText> scan_samples();
std::vector<SampleText> layout_samples();
std::vector<SampleText> elementwise_samples();
std::vector<SampleText> drawing_samples();
std::vector<SampleText> list_samples();

inline Tensor drawn(const tensor::Geometry& g, bool are_chances) {
  const auto type = static_cast<at::ScalarType>(g.dtype);
  if (are_chances) return at::rand(g.sizes, at::kDouble).to(type);
  if (type == at::kBool) return at::rand(g.sizes).gt(0.4);
  if (at::isFloatingType(type) || at::isComplexType(type)) {
    return at::randn(g.sizes, at::kDouble).to(type);
  }
  return at::randint(3, g.sizes, type);
}

inline void add_words(const ops::Arg& a, const SampleText& text, size_t* next, Sample* sample) {
  const auto given = [&](double otherwise) {
    return *next < text.words.size() ? text.words[(*next)++] : otherwise;
  };
  switch (a.kind) {
    case ops::ArgKind::kTensor:
      sample->operands.push_back(drawn(a.geometry, text.are_chances));
      if (!text.ends.empty() && !sample->operands.back().is_floating_point()) {
        sample->operands.back().copy_(at::tensor(text.ends));
      }
      break;
    case ops::ArgKind::kDoubleWord:
      sample->words.push_back(std::bit_cast<uint64_t>(given(0.5)));
      break;
    case ops::ArgKind::kIntWord:
      sample->words.push_back(static_cast<uint64_t>(static_cast<int64_t>(given(1))));
      break;
    case ops::ArgKind::kHostScalar:
      sample->words.push_back(std::bit_cast<uint64_t>(given(0.5)));
      sample->words.push_back(0);
      break;
    case ops::ArgKind::kGenerator:
      sample->words.insert(sample->words.end(), {7, 0});
      break;
    default:
      break;
  }
  for (const ops::Arg& item : a.items) add_words(item, text, next, sample);
}

inline Sample sample_of(const SampleText& text) {
  Sample sample;
  const auto signature = ops::call_signature_from_string(text.call);
  EXPECT_TRUE(signature) << text.call;
  sample.signature = signature.value_or(ops::CallSignature{});
  size_t next = 0;
  for (const ops::Arg& a : sample.signature.args) add_words(a, text, &next, &sample);
  return sample;
}

inline std::vector<SampleText> all_samples() {
  std::vector<SampleText> all;
  for (const auto& some : {product_samples(), attention_samples(), layer_samples(), loss_samples(),
                           convolution_samples(), image_samples(), sampling_samples(),
                           index_samples(), reduction_samples(), scan_samples(), layout_samples(),
                           elementwise_samples(), drawing_samples(), list_samples()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace moai::device::sharding
