#include "moai/ops/bundled_call.h"

#include <gtest/gtest.h>

namespace moai::ops {
namespace {

std::vector<CallSignature> calls(const std::vector<std::string>& texts) {
  std::vector<CallSignature> all;
  for (const std::string& t : texts) all.push_back(call_signature_from_string(t).value());
  return all;
}
std::string bundled(const std::vector<std::string>& texts) {
  const auto all = bundled_call(calls(texts));
  return all ? to_string(*all) : "nothing";
}
std::string unbundled(const std::string& text) {
  const auto all = unbundled_call(call_signature_from_string(text).value());
  if (!all) return "nothing";
  std::string out;
  for (const CallSignature& s : *all) out += to_string(s) + "\n";
  return out;
}

struct Case {
  std::vector<std::string> calls;
  std::string all;
};

const Case kCases[] = {
    {{"moai::all_gather(f32[1,2,4]+8, 1, [2,1], 0) -> f32[1,3,4]",
      "moai::all_gather(i64[2,1,1], 1, [1,1], 0) -> i64[2,2,1]"},
     "moai::all_gather((f32[1,2,4]+8, i64[2,1,1]), 1, ([2,1], [1,1]), 0) -> f32[1,3,4], "
     "i64[2,2,1]"},
    {{"moai::reduce_scatter(f32[1,3,4], 1, [2,1], \"sum\", 0) -> f32[1,2,4]",
      "moai::reduce_scatter(f32[1,2,1], 1, [1,1], \"sum\", 0) -> f32[1,1,1]"},
     "moai::reduce_scatter((f32[1,3,4], f32[1,2,1]), 1, ([2,1], [1,1]), \"sum\", 0) -> f32[1,2,4], "
     "f32[1,1,1]"},
    {{"moai::all_reduce((f32[3]!), \"sum\", 0) -> _",
      "moai::all_reduce((f32[2]!), \"sum\", 0) -> _"},
     "moai::all_reduce((f32[3]!, f32[2]!), \"sum\", 0) -> _"},
    {{"moai::send(f32[3], 1, 0) -> _", "moai::send(i64[2], 1, 0) -> _"},
     "moai::send((f32[3], i64[2]), 1, 0) -> _"},
    {{"moai::receive(0, 0) -> f32[3]", "moai::receive(0, 0) -> i64[2]"},
     "moai::receive(0, 0) -> f32[3], i64[2]"},
    {{"moai::broadcast(f32[3], 1, 0) -> _", "moai::broadcast(i64[2], 1, 0) -> _"},
     "moai::broadcast((f32[3], i64[2]), 1, 0) -> _"},
};

TEST(BundledCall, CallsOfOneOperatorAreOneOverLists) {
  for (const Case& c : kCases) EXPECT_EQ(bundled(c.calls), c.all);
}

TEST(BundledCall, AreWhatTheyWereWhenTakenApart) {
  for (const Case& c : kCases) EXPECT_EQ(unbundled(c.all), c.calls[0] + "\n" + c.calls[1] + "\n");
}

TEST(BundledCall, OneIsItself) {
  for (const Case& c : kCases) {
    EXPECT_EQ(bundled({c.calls[0]}), c.calls[0]);
    EXPECT_EQ(unbundled(c.calls[0]), c.calls[0] + "\n");
  }
}

TEST(BundledCall, OthersAreNotOne) {
  EXPECT_EQ(bundled({}), "nothing");
  EXPECT_EQ(bundled({"moai::receive(0, 0) -> f32[3]", "moai::receive(1, 0) -> f32[3]"}), "nothing");
  EXPECT_EQ(bundled({"moai::send(f32[3], 1, 0) -> _", "moai::receive(1, 0) -> f32[3]"}), "nothing");
  EXPECT_EQ(bundled({"moai::all_gather(f32[1,2,4], 1, [2,1], 0) -> f32[1,3,4]",
                     "moai::all_gather(f32[1,2,4], 1, [2,1], 1) -> f32[1,3,4]"}),
            "nothing");
}

TEST(BundledCall, ListsOfOtherLengthsAreNoBundle) {
  for (const char* text : {
           "moai::all_gather((f32[2], f32[2]), 0, ([1,1]), 0) -> f32[4], f32[4]",
           "moai::all_gather((f32[2], f32[2]), 0, ([1,1], [1,1]), 0) -> f32[4]",
           "moai::all_gather((f32[2], f32[2]), 0, ([1,1], [1,1], [1,1]), 0) -> f32[4], f32[4]",
           "moai::receive(0, 0) -> _",
       }) {
    EXPECT_EQ(unbundled(text), "nothing") << text;
  }
}

}  // namespace
}  // namespace moai::ops
