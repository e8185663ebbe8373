#include "moai/compiler/lower/start_exchanges.h"

#include <gtest/gtest.h>

#include "moai/compiler/verify/verify_started.h"

namespace moai::compiler {
namespace {

// The program with what goes on beside calls, and the source of each node.
struct Started {
  std::string text{};
  std::vector<uint32_t> sources{};
};

Started started(const std::string& text) {
  graph::SignatureTable signatures;
  const auto window = graph::parse(text, &signatures);
  EXPECT_TRUE(window.ok()) << window.status().to_string();
  if (!window.ok()) return {};
  std::vector<uint32_t> sources;
  for (uint32_t i = 0; i < window->nodes.size(); ++i) sources.push_back(i);
  const graph::Window out = start_exchanges(*window, &signatures, &sources);
  EXPECT_EQ(verify(out, signatures), ok_status());
  EXPECT_EQ(verify_started(out, signatures), ok_status());
  EXPECT_EQ(out.nodes.size(), sources.size());
  return {print(out, signatures), sources};
}
// Of others; `made`: a storage that nobody has.
std::string work(int made = 90) {
  const std::string id = std::to_string(made);
  return "s" + id + " = aten::relu(f32[4] s80) -> f32[4]\nfree s" + id + "\n";
}

TEST(StartExchanges, AWaitStandsBeforeTheFirstThatNeedsIt) {
  const Started s = started("moai::all_reduce((f32[4]! s1, f32[2]! s2), \"sum\", 0) -> _\n" +
                            work() + "s3 = aten::relu(f32[2] s2) -> f32[2]\n");
  EXPECT_EQ(s.text, "moai::all_reduce.start((f32[4]! s1, f32[2]! s2), \"sum\", 0) -> _\n" + work() +
                        "moai::wait((f32[4]! s1, f32[2]! s2), 0) -> _\n"
                        "s3 = aten::relu(f32[2] s2) -> f32[2]\n");
  EXPECT_EQ(s.sources, (std::vector<uint32_t>{0, 1, 2, 3, 3}));
}

TEST(StartExchanges, WhatNothingGoesOnBesideStaysWhole) {
  for (const std::string text : {
           "s2 = moai::all_gather(f32[2] s1, 0, [2,2], 0) -> f32[4]\n"
           "s3 = aten::relu(f32[4] s2) -> f32[4]\n",
           "s2 = moai::all_gather(f32[2] s1, 0, [2,2], 0) -> f32[4]\n"
           "s3 = moai::all_gather(f32[2] s1, 0, [2,2], 0) -> f32[4]\n",
           "moai::send(f32[2] s1, 1, 0) -> _\ns3 = aten::relu(f32[2] s1) -> f32[2]\n",
           "moai::all_reduce((f32[4]! s1), \"sum\", 0) -> _\nmoai::skip_if(f32[] s5) -> _\n"
           "s3 = aten::relu(f32[2] s2) -> f32[2]\nmoai::skip_end() -> _\n",
       }) {
    EXPECT_EQ(started(text).text, text);
  }
}

TEST(StartExchanges, WhatItReadsIsReleasedBehindTheWait) {
  EXPECT_EQ(started("s2 = moai::reduce_scatter(f32[4] s1, 0, [2,2], \"sum\", 0) -> f32[2]\n"
                    "free s1\n" +
                    work() + "free s2\n")
                .text,
            "s2 = moai::reduce_scatter.start(f32[4] s1, 0, [2,2], \"sum\", 0) -> f32[2]\n" +
                work() + "moai::wait((f32[2]! s2), 0) -> _\nfree s1\nfree s2\n");
}

TEST(StartExchanges, WhatOverwritesAnOperandWaits) {
  EXPECT_EQ(started("s2 = moai::all_gather(f32[2] s1, 0, [2,2], 0) -> f32[4]\n" + work() +
                    "s3 = aten::relu(f32[2] s1) -> f32[2]\n"
                    "aten::relu_(f32[2]! s1) -> _\n")
                .text,
            "s2 = moai::all_gather.start(f32[2] s1, 0, [2,2], 0) -> f32[4]\n" + work() +
                "s3 = aten::relu(f32[2] s1) -> f32[2]\n"
                "moai::wait((f32[4]! s2), 0) -> _\n"
                "aten::relu_(f32[2]! s1) -> _\n");
}

// Both read s1, which is released while both are in flight; the second is needed first.
TEST(StartExchanges, WhatTwoReadIsReleasedBehindBoth) {
  EXPECT_EQ(started("s2 = moai::all_gather(f32[2] s1, 0, [2,2], 0) -> f32[4]\n"
                    "s3 = moai::all_gather(f32[2] s1, 0, [2,2], 1) -> f32[4]\n"
                    "free s1\n" +
                    work() + "free s3\n" + work(91) + "free s2\n")
                .text,
            "s2 = moai::all_gather.start(f32[2] s1, 0, [2,2], 0) -> f32[4]\n"
            "s3 = moai::all_gather.start(f32[2] s1, 0, [2,2], 1) -> f32[4]\n" +
                work() + "moai::wait((f32[4]! s3), 1) -> _\nfree s3\n" + work(91) +
                "moai::wait((f32[4]! s2), 0) -> _\nfree s1\nfree s2\n");
}

// Three gradients go to shares before anybody reads one.
TEST(StartExchanges, AtMostTwoKeepWhatWouldBeGone) {
  std::string text;
  for (const int i : {1, 2, 3}) {
    const std::string id = std::to_string(i);
    text += "s1" + id + " = moai::reduce_scatter(f32[4] s" + id +
            ", 0, [2,2], \"sum\", 0) -> f32[2]\nfree s" + id + "\n" + work(90 + i);
  }
  const std::string out = started(text).text;
  const size_t third = out.find("s13 = "), wait = out.find("moai::wait((f32[2]! s11), 0)");
  EXPECT_LT(third, wait);
  EXPECT_EQ(out.substr(wait), "moai::wait((f32[2]! s11), 0) -> _\nfree s1\n" + work(93) +
                                  "moai::wait((f32[2]! s12), 0) -> _\nfree s2\n"
                                  "moai::wait((f32[2]! s13), 0) -> _\nfree s3\n");
}

}  // namespace
}  // namespace moai::compiler
