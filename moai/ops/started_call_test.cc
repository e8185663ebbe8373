#include "moai/ops/started_call.h"

#include <gtest/gtest.h>

namespace moai::ops {
namespace {

CallSignature call(const std::string& text) { return call_signature_from_string(text).value(); }

struct Case {
  std::string whole, start, wait;
};

const Case kCases[] = {
    {"moai::all_reduce((f32[3]+8!, f32[2]!), \"sum\", 1) -> _",
     "moai::all_reduce.start((f32[3]+8!, f32[2]!), \"sum\", 1) -> _",
     "moai::wait((f32[3]+8!, f32[2]!), 1) -> _"},
    {"moai::all_gather(f32[1,2,4]+8, 1, [2,1], 0) -> f32[1,3,4]",
     "moai::all_gather.start(f32[1,2,4]+8, 1, [2,1], 0) -> f32[1,3,4]",
     "moai::wait((f32[1,3,4]!), 0) -> _"},
    {"moai::reduce_scatter((f32[1,3,4], f32[1,2,1]), 1, ([2,1], [1,1]), \"sum\", 0) -> f32[1,2,4], "
     "f32[1,1,1]",
     "moai::reduce_scatter.start((f32[1,3,4], f32[1,2,1]), 1, ([2,1], [1,1]), \"sum\", 0) -> "
     "f32[1,2,4], f32[1,1,1]",
     "moai::wait((f32[1,2,4]!, f32[1,1,1]!), 0) -> _"},
};

TEST(StartedCall, IsAStartAndAWaitOfWhatItMakes) {
  for (const Case& c : kCases) {
    const CallSignature whole = call(c.whole);
    ASSERT_TRUE(can_start(whole)) << c.whole;
    const CallSignature start = start_of(whole), wait = wait_of(start);
    EXPECT_EQ(start, call(c.start)) << to_string(start);
    EXPECT_EQ(wait, call(c.wait)) << to_string(wait);
    EXPECT_EQ(wait_of(whole), wait);
    EXPECT_TRUE(is_start(start));
    EXPECT_TRUE(is_wait(wait));
    EXPECT_FALSE(can_start(start) || is_start(whole) || is_wait(start) || is_start(wait));
    EXPECT_EQ(whole_of(start), whole);
  }
}

TEST(StartedCall, OthersHaveNone) {
  for (const char* text :
       {"moai::send(f32[3], 1, 0) -> _", "moai::receive(0, 0) -> f32[3]", "moai::skip_end() -> _",
        "aten::add.Tensor(f32[3], f32[3], 1) -> f32[3]"}) {
    EXPECT_FALSE(can_start(call(text)) || is_start(call(text)) || is_wait(call(text))) << text;
    EXPECT_EQ(whole_of(call(text)), call(text));
  }
}

}  // namespace
}  // namespace moai::ops
