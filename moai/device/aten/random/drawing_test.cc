// What every drawing operator has in common.
#include "moai/device/aten/random/drawing.h"

#include <ATen/Parallel.h>

#include "moai/device/aten/random/drawing_testing.h"
#include "moai/device/aten/random/kernel_table.h"

namespace moai::device {
namespace {

using testing::draw;
using testing::expect_torch_error;
using testing::no_generator;
using testing::same_bits;

constexpr int64_t kRows = 301, kColumns = 103;

at::Tensor dense(at::ScalarType dtype = at::kFloat) { return at::zeros({kRows, kColumns}, dtype); }

// The in-place operators on one tensor, with some legal parameters.
at::Tensor in_place(const std::string& op, const at::Tensor& self, uint64_t counter = 7) {
  const auto call = draw(op, counter);
  if (op == "random_") return call(self, no_generator());
  if (op == "random_.to") return call(self, int64_t{100}, no_generator());
  if (op == "random_.from") return call(self, int64_t{5}, int64_t{100}, no_generator());
  if (op == "uniform_" || op == "normal_" || op == "cauchy_" || op == "log_normal_") {
    return call(self, 0.5, 2.0, no_generator());
  }
  if (op == "bernoulli_.Tensor") {
    return call(self, at::full({kColumns}, 0.25, at::kDouble), no_generator());
  }
  return call(self, 0.25, no_generator());
}

const std::vector<std::string> kInPlace = {"uniform_",         "normal_",           "exponential_",
                                           "cauchy_",          "log_normal_",       "geometric_",
                                           "bernoulli_.float", "bernoulli_.Tensor", "random_",
                                           "random_.to",       "random_.from"};

TEST(Drawing, DoesNotDependOnStrides) {
  for (const auto& op : kInPlace) {
    const auto expected = in_place(op, dense());
    auto transposed = at::zeros({kColumns, kRows}).t();
    EXPECT_TRUE(same_bits(in_place(op, transposed), expected)) << op;
    auto sparse = at::zeros({kRows, 3 * kColumns}).slice(1, 1, 3 * kColumns, 3);
    EXPECT_TRUE(same_bits(in_place(op, sparse), expected)) << op;
  }
}

TEST(Drawing, DoesNotDependOnThreads) {
  const int threads = at::get_num_threads();
  for (const auto& op : kInPlace) {
    at::set_num_threads(1);
    const auto alone = in_place(op, dense());
    at::set_num_threads(4);
    EXPECT_TRUE(same_bits(in_place(op, dense()), alone)) << op;
  }
  at::set_num_threads(threads);
}

TEST(Drawing, GivesAPrefixToASmallerTensor) {
  for (const auto& op : kInPlace) {
    const auto whole = in_place(op, dense());
    const auto part = in_place(op, at::zeros({kRows / 2, kColumns}));
    EXPECT_TRUE(same_bits(whole.slice(0, 0, kRows / 2), part)) << op;
  }
}

TEST(Drawing, DependsOnSeedAndCounter) {
  for (const auto& op : kInPlace) {
    const auto first = in_place(op, dense(), 7);
    EXPECT_TRUE(same_bits(first, in_place(op, dense(), 7))) << op;
    EXPECT_FALSE(same_bits(first, in_place(op, dense(), 8))) << op;
  }
  auto other = draw("random_");
  other.seed += uint64_t{1} << 32;
  EXPECT_FALSE(same_bits(other(dense(), no_generator()), draw("random_")(dense(), no_generator())));
}

TEST(Drawing, LeavesOtherMemoryOfTheStorageAlone) {
  auto base = at::full({100, 7}, -1, at::kInt);
  draw("random_.to")(base.slice(1, 2, 4), int64_t{9}, no_generator());
  EXPECT_EQ((base == -1).sum().item<int64_t>(), 500);
}

TEST(Drawing, AcceptsEmptyAndScalarTensors) {
  for (const auto& op : kInPlace) {
    EXPECT_EQ(in_place(op, at::zeros({0, kColumns})).numel(), 0) << op;
    if (op == "bernoulli_.Tensor") continue;
    const auto scalar = in_place(op, at::zeros({}));
    EXPECT_TRUE(same_bits(scalar, in_place(op, at::zeros({5})).select(0, 0))) << op;
  }
}

TEST(Drawing, ReturnsTheTensorItWasGiven) {
  for (const auto& op : kInPlace) {
    const auto self = dense();
    EXPECT_TRUE(in_place(op, self).is_same(self)) << op;
  }
}

// The front predicts results' geometry from torch's rules.
template <typename... Arguments>
void expect_torch_geometry(const testing::Call& call, const Arguments&... arguments) {
  const auto ours = call.all(arguments...), torchs = call.torch_all(arguments...);
  ASSERT_EQ(ours.size(), torchs.size()) << call.op;
  for (size_t i = 0; i < ours.size(); ++i) {
    const auto mine = ours[i].toTensor(), wanted = torchs[i].toTensor();
    EXPECT_EQ(mine.sizes(), wanted.sizes()) << call.op;
    EXPECT_EQ(mine.strides(), wanted.strides()) << call.op;
    EXPECT_EQ(mine.scalar_type(), wanted.scalar_type()) << call.op;
  }
}

TEST(Drawing, ResultsHaveTorchsGeometry) {
  const at::Scalar lower = 0.1, upper = 0.3;
  const auto ones = at::ones({4, 6, 2, 3});
  for (const auto& self :
       {ones, ones.transpose(0, 2), ones.slice(3, 0, 3, 2), ones.to(at::MemoryFormat::ChannelsLast),
        ones.select(0, 0).expand({5, 6, 2, 3}), at::ones({0, 3}), at::ones({})}) {
    expect_torch_geometry(draw("bernoulli"), self, no_generator());
    expect_torch_geometry(draw("bernoulli.p"), self, 0.5, no_generator());
    expect_torch_geometry(draw("uniform"), self, 0.0, 1.0, no_generator());
    expect_torch_geometry(draw("normal.Tensor_float"), self, 1.0, no_generator());
    expect_torch_geometry(draw("normal.float_Tensor"), 1.0, self, no_generator());
    expect_torch_geometry(draw("normal.Tensor_Tensor"), self, self.to(at::kDouble), no_generator());
    for (bool train : {true, false}) {
      expect_torch_geometry(draw("native_dropout"), self, 0.5, std::optional<bool>(train));
      expect_torch_geometry(draw("rrelu_with_noise"), self, at::empty(self.sizes()), lower, upper,
                            train, no_generator());
    }
  }
}

TEST(Drawing, RefusesOverlappingMemoryWithTorchsText) {
  const auto overlapping = at::zeros({1}).expand({3});
  expect_torch_error(draw("uniform_"), overlapping, 0.0, 1.0, no_generator());
  expect_torch_error(draw("normal_"), overlapping, 0.0, 1.0, no_generator());
  expect_torch_error(draw("random_"), overlapping, no_generator());
  expect_torch_error(draw("bernoulli_.float"), overlapping, 0.5, no_generator());
}

TEST(Drawing, KnowsOnlyOperatorsThatDraw) {
  EXPECT_EQ(find_drawing_kernel("aten::add", "Tensor"), nullptr);
  EXPECT_EQ(find_drawing_kernel("aten::uniform_", "Tensor"), nullptr);
  EXPECT_NE(find_drawing_kernel("aten::uniform_", ""), nullptr);
}

// A row that takes other arguments than its schema has would corrupt the stack.
TEST(Drawing, RowsFitTheirSchemas) {
  int seen = 0;
  for (const auto rows : {operator_kernels(), factory_kernels(), derived_kernels()}) {
    for (const KernelRow& row : rows) {
      const auto [name, overload] = testing::Call{std::string(row.name)}.split();
      const auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
      ASSERT_TRUE(handle.has_value()) << row.name;
      std::string wanted;
      for (const auto& argument : handle->schema().arguments()) {
        wanted += argument.type()->str() + " ";
      }
      wanted += "-> " + std::to_string(handle->schema().returns().size());
      EXPECT_EQ(row.signature(), wanted) << row.name;
      ++seen;
    }
  }
  EXPECT_GT(seen, 70);
}

// They draw only where their dropout is positive, and then no kernel of the CPU takes them.
const std::vector<std::string> kAttention = {
    "aten::_fused_sdp_choice",
    "aten::_scaled_dot_product_flash_attention_for_cpu",
    "aten::_scaled_dot_product_fused_attention_overrideable",
    "aten::_cudnn_rnn.out",
    "aten::_lstm_mps.out",
    "aten::miopen_rnn.out",
    "aten::_triton_scaled_dot_attention.out",
};

TEST(Drawing, HasARowForEveryOperatorThatTorchTagsAsDrawing) {
  auto& dispatcher = c10::Dispatcher::singleton();
  int seen = 0;
  for (const auto& name : dispatcher.getAllOpNames()) {
    if (!name.name.starts_with("aten::")) continue;
    const auto handle = dispatcher.findOp(name);
    if (!handle || !handle->hasTag(at::Tag::nondeterministic_seeded)) continue;
    const bool runs = handle->hasKernelForDispatchKey(c10::DispatchKey::CPU) ||
                      handle->hasKernelForDispatchKey(c10::DispatchKey::CompositeExplicitAutograd);
    if (!runs || std::ranges::count(kAttention, c10::toString(name)) > 0) continue;
    ++seen;
    EXPECT_NE(find_drawing_kernel(name.name, name.overload_name), nullptr) << c10::toString(name);
  }
  EXPECT_GT(seen, 80);
}

TEST(Drawing, NamesAnOperatorThatItCannotDraw) {
  EXPECT_EQ(testing::error_of([] { draw("_fused_dropout.out")(at::ones({2}), no_generator()); }),
            "NotImplementedError: [device.random] aten::_fused_dropout.out draws random numbers "
            "and has no "
            "kernel on MoAI's devices yet");
}

}  // namespace
}  // namespace moai::device
