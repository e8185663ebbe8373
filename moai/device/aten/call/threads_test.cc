#include "moai/device/aten/call/threads.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <cstring>

#include "moai/device/aten/call/calls_testing.h"
#include "moai/device/aten/call/thread_trial.h"

namespace moai::device {
namespace {

class Threads : public CallTest {
 protected:
  void SetUp() override {
    MOAI_FOR_CPU_ALONE("threads of the CPU");
    device_ = std::move(*make_aten_device({.threads = 2}));
  }
  void TearDown() override { set_device_threads(1); }
};

TEST_F(Threads, SmallProductsAreTriedAndRowsAreApart) {
  const auto rule = [](const char* text) { return thread_rule(parse(text)); };
  EXPECT_EQ(rule("aten::mm(f32[64,64], f32[64,64]) -> f32[64,64]"), ThreadRule::kTrial);
  EXPECT_EQ(rule("aten::bmm(f32[4,64,64], f32[4,64,32]) -> f32[4,64,32]"), ThreadRule::kTrial);
  EXPECT_EQ(rule("aten::addmm(f32[64], f32[64,64], f32[64,64], intword, intword) -> f32[64,64]"),
            ThreadRule::kTrial);
  EXPECT_EQ(rule("aten::mm(f32[512,512], f32[512,512]) -> f32[512,512]"), ThreadRule::kAll);
  EXPECT_EQ(rule("aten::_log_softmax(f32[32,10], 1, false) -> f32[32,10]"), ThreadRule::kOne);
  EXPECT_EQ(rule("aten::_log_softmax(f32[512,512], 1, false) -> f32[512,512]"), ThreadRule::kAll);
  EXPECT_EQ(rule("aten::add.Tensor(f32[2], f32[2], intword) -> f32[2]"), ThreadRule::kAll);
}

TEST_F(Threads, ATrialComparesBitsAndDrawsEachOperand) {
  const auto signature = parse("aten::mm(f32[2,3], f32[3,2]) -> f32[2,2]");
  int runs = 0;
  const auto filled = [&](float value) {
    at::Tensor t = at::full({4}, value);
    return std::make_unique<AtenBuffer>(t.storage());
  };
  EXPECT_TRUE(same_on_one_thread(signature, [&](bool, auto operands, auto, auto fresh) {
    EXPECT_EQ(operands.size(), 2u);
    EXPECT_EQ(operands[0]->size_bytes(), 24u);
    fresh[0] = filled(1);
    ++runs;
    return ok_status();
  }));
  EXPECT_EQ(runs, 6);
  EXPECT_FALSE(same_on_one_thread(signature, [&](bool one, auto, auto, auto fresh) {
    fresh[0] = filled(one ? 1 : 2);
    return ok_status();
  }));
  EXPECT_FALSE(
      same_on_one_thread(signature, [](bool, auto, auto, auto) { return internal_error("no"); }));
}

// What runs on one thread must have the bits of the library on all, before the trial and after it.
TEST_F(Threads, ProductsOfManyShapesHaveTheBitsOfAllThreads) {
  at::manual_seed(3);
  for (const int64_t m : {1, 10, 32, 33, 128}) {
    for (const int64_t k : {1, 10, 64, 100}) {
      for (const int64_t n : {2, 10, 31, 128}) {
        const at::Tensor a = at::randn({m, k}), b = at::randn({n, k}).t();
        const auto got = run("aten::mm(" + text_of(a) + ", " + text_of(b) + ") -> f32[" +
                                 std::to_string(m) + "," + std::to_string(n) + "]",
                             {a, b}, {}, 40);
        use_threads(2);
        EXPECT_TRUE(got[0].equal(at::mm(a, b))) << m << " " << k << " " << n;
      }
    }
  }
}

// A shape that comes a few times is not worth a trial.
TEST_F(Threads, ACallIsTriedOnceItHasRunOften) {
  const at::Tensor a = at::randn({2, 3}), b = at::randn({3, 2});
  const std::string text = "aten::mm(f32[2,3], f32[3,2]) -> f32[2,2]";
  run(text, {a, b}, {}, 31);
  EXPECT_EQ(at::get_num_threads(), 2);
  run(text, {a, b}, {}, 32);
  EXPECT_EQ(at::get_num_threads(), 1);  // of six multiplications no thread pool splits the sums
}

TEST_F(Threads, RowsHaveTheBitsOfAllThreads) {
  for (const int64_t rows : {1, 7, 32, 100}) {
    for (const int64_t columns : {1, 10, 65, 300}) {
      const at::Tensor a = at::randn({rows, columns}), g = at::randn({rows, columns});
      const std::string shape = text_of(a);
      const auto out = run("aten::_log_softmax(" + shape + ", 1, false) -> " + shape, {a});
      const auto back =
          run("aten::_log_softmax_backward_data(" + shape + ", " + shape + ", 1, 6) -> " + shape,
              {g, out[0]});
      const auto soft = run("aten::_softmax(" + shape + ", 1, false) -> " + shape, {a});
      use_threads(2);
      EXPECT_TRUE(out[0].equal(at::_log_softmax(a, 1, false)));
      EXPECT_TRUE(back[0].equal(at::_log_softmax_backward_data(g, out[0], 1, at::kFloat)));
      EXPECT_TRUE(soft[0].equal(at::_softmax(a, 1, false)));
    }
  }
}

TEST_F(Threads, CountsAreSetOnlyWhereTheyChange) {
  use_threads(1);
  EXPECT_EQ(at::get_num_threads(), 1);
  use_threads(device_threads());
  EXPECT_EQ(at::get_num_threads(), 2);
}

}  // namespace
}  // namespace moai::device
