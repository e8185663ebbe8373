// Joins, picks, copies and padding.
#include <gtest/gtest.h>

#include "moai/front/shape/conformance/calls.h"

namespace moai::front::shape {
namespace {

using c10::IValue;
using Ints = std::vector<int64_t>;
using Tensors = std::vector<at::Tensor>;

const IValue kNone;

std::vector<at::Tensor> inputs() {
  return {plain({2, 3, 4, 5}), transposed({2, 3, 4, 5}), channels_last({2, 3, 4, 5}),
          sliced({2, 3, 4, 5}), expanded({2, 3, 4, 5})};
}

c10::List<std::optional<at::Tensor>> picks(std::initializer_list<at::Tensor> tensors) {
  c10::List<std::optional<at::Tensor>> list;
  for (const at::Tensor& t : tensors) {
    list.push_back(t.defined() ? std::optional(t) : std::nullopt);
  }
  return list;
}

TEST(JoinTest, CatAndStackFollowTheirOperands) {
  for (const at::Tensor& a : inputs()) {
    for (const at::Tensor& b : inputs()) {
      for (const int64_t dim : {0, 1, 3, -1, 4}) {
        EXPECT_EQ(difference("aten::cat", {Tensors{a, b}, dim}), "");
        EXPECT_EQ(difference("aten::stack", {Tensors{a, b}, dim}), "");
      }
    }
  }
  EXPECT_EQ(difference("aten::cat", {Tensors{plain({2, 3}), plain({2, 4})}, 0}), "");
  EXPECT_EQ(difference("aten::cat", {Tensors{plain({2, 3}), plain({0})}, 0}), "");
  EXPECT_EQ(difference("aten::cat", {Tensors{plain({2}), plain({2}, at::kLong)}, 0}), "");
  EXPECT_EQ(difference("aten::cat", {Tensors{}, 0}), "");
  EXPECT_EQ(difference("aten::stack", {Tensors{plain({2}), plain({3})}, 0}), "");
  EXPECT_EQ(difference("aten::stack", {Tensors{plain({}), plain({})}, 0}), "");
  EXPECT_EQ(difference("aten::stack", {Tensors{plain({2}), plain({2}, at::kLong)}, 0}), "");
  EXPECT_EQ(difference("aten::stack", {Tensors{}, 0}), "");
}

TEST(PickTest, GatherScatterAndIndex) {
  for (const at::Tensor& t : inputs()) {
    const at::Tensor at_all = indices({2, 3, 4, 5});
    EXPECT_EQ(difference("aten::gather", {t, 1, indices({2, 1, 4, 5})}), "");
    EXPECT_EQ(difference("aten::gather", {t, 1, indices({2, 9})}), "");
    EXPECT_EQ(difference("aten::scatter.src", {t, 1, at_all, t}), "");
    EXPECT_EQ(difference("aten::scatter.value", {t, 1, at_all, 1}), "");
    EXPECT_EQ(difference("aten::scatter_add", {t, 0, at_all, plain({2, 3, 4, 5})}), "");
    EXPECT_EQ(difference("aten::scatter_reduce.two", {t, 0, at_all, t, "sum"}), "");
    EXPECT_EQ(difference("aten::index_add", {t, 0, indices({2}), plain({2, 3, 4, 5})}), "");
    EXPECT_EQ(difference("aten::index_copy", {t, 0, indices({2}), plain({2, 3, 4, 5})}), "");
    EXPECT_EQ(difference("aten::index_select", {t, 1, indices({7})}), "");
    EXPECT_EQ(difference("aten::index_select", {t, 5, indices({7})}), "");
    EXPECT_EQ(difference("aten::index_fill.int_Scalar", {t, 1, indices({2}), 1.0}), "");
    EXPECT_EQ(difference("aten::index_fill.int_Tensor", {t, 1, indices({2}), plain({})}), "");
    EXPECT_EQ(difference("aten::index.Tensor", {t, picks({indices({2, 2})})}), "");
    EXPECT_EQ(difference("aten::index.Tensor", {t, picks({{}, indices({7}), {}})}), "");
    EXPECT_EQ(difference("aten::index.Tensor", {t, picks({indices({6}), {}, indices({6})})}), "");
    EXPECT_EQ(difference("aten::index.Tensor", {t, picks({indices({6}), indices({5})})}), "");
    EXPECT_EQ(difference("aten::index_put", {t, picks({indices({2})}), plain({})}), "");
  }
  EXPECT_EQ(difference("aten::index_put", {plain({2}), picks({indices({2})}), indices({})}), "");
  EXPECT_EQ(
      difference("aten::index_put", {plain({2}), picks({indices({2}), indices({2})}), plain({})}),
      "");
  EXPECT_EQ(difference("aten::index_put_", {plain({2}), picks({indices({2})}), plain({})}), "");
  EXPECT_EQ(difference("aten::index_select", {plain({}), 0, indices({1})}), "");
  EXPECT_EQ(difference("aten::index_select", {plain({3}), 0, plain({1})}), "");
  EXPECT_EQ(difference("aten::scatter_add_", {plain({2, 3}), 0, indices({2, 3}), plain({2, 3})}),
            "");
  EXPECT_EQ(difference("aten::index_add_", {plain({2, 3}), 0, indices({2}), plain({2, 4})}), "");
  // An expert that no token was sent to.
  EXPECT_EQ(difference("aten::index_add", {plain({4, 3}), 0, indices({0}), plain({0, 3})}), "");
  EXPECT_EQ(difference("aten::index_add_", {plain({4, 3}), 0, indices({0}), plain({0, 3})}), "");
  EXPECT_EQ(difference("aten::index_add", {plain({4, 3}), -1, indices({0}), plain({4, 0})}), "");
  EXPECT_EQ(difference("aten::index_add", {plain({4, 3}), 0, indices({0}), plain({0, 2})}), "");
  EXPECT_EQ(difference("aten::index_copy", {plain({4, 3}), 0, indices({0}), plain({0, 3})}), "");
}

TEST(CopyTest, InfersWhatTheKernelReturns) {
  for (const at::Tensor& t : inputs()) {
    EXPECT_EQ(difference("aten::clone", {t, at::MemoryFormat::Contiguous}), "");
    EXPECT_EQ(difference("aten::clone", {t, at::MemoryFormat::ChannelsLast}), "");
    EXPECT_EQ(difference("aten::_unsafe_view", {t, Ints{2, 3, 20}}), "");
    EXPECT_EQ(difference("aten::_unsafe_view", {t, Ints{-1, 5}}), "");
    EXPECT_EQ(difference("aten::_unsafe_view", {t, Ints{7, -1}}), "");
    EXPECT_EQ(difference("aten::tril", {t}), "");
    EXPECT_EQ(difference("aten::triu", {t, 1}), "");
    EXPECT_EQ(difference("aten::repeat", {t, Ints{2, 1, 1, 3}}), "");
    EXPECT_EQ(difference("aten::repeat", {t, Ints{2, 2, 1, 1, 3}}), "");
    EXPECT_EQ(difference("aten::repeat", {t, Ints{2}}), "");
    EXPECT_EQ(difference("aten::flip", {t, Ints{0, 2}}), "");
    EXPECT_EQ(difference("aten::flip", {t, Ints{0, 7}}), "");
    EXPECT_EQ(difference("aten::constant_pad_nd", {t, Ints{1, 2, 0, 3}, 0}), "");
    EXPECT_EQ(difference("aten::constant_pad_nd", {t, Ints{-1, -1}, 0}), "");
    EXPECT_EQ(difference("aten::constant_pad_nd", {t, Ints{-1, 3, 0, -2}, 0}), "");
    EXPECT_EQ(difference("aten::constant_pad_nd", {t, Ints{0, 0}, 0}), "");
    EXPECT_EQ(difference("aten::constant_pad_nd", {t, Ints{0, -9}, 0}), "");
    EXPECT_EQ(difference("aten::constant_pad_nd", {t, Ints{1}, 0}), "");
  }
}

TEST(RangeTest, TakesItsLengthFromNumbers) {
  EXPECT_EQ(difference("aten::arange.start_out", {0, 5, 1, plain({0}, at::kLong)}), "");
  EXPECT_EQ(difference("aten::arange.start_out", {1, 6, 2, plain({0})}), "");
  EXPECT_EQ(difference("aten::arange.start_out", {1.0, 0.0, -0.3, plain({0})}), "");
  EXPECT_EQ(difference("aten::arange.start_out", {0, 6, 1, transposed({2, 3})}), "");
  EXPECT_EQ(difference("aten::arange.start_out", {0, 5, -1, plain({0})}), "");
  EXPECT_EQ(difference("aten::arange.start_out", {0, 5, 0, plain({0})}), "");
}

TEST(CopyTest, GradientsOfViewsAreContiguous) {
  const Ints sizes = {4, 6};
  EXPECT_EQ(difference("aten::select_backward", {transposed({4}), sizes, 1, 2}), "");
  EXPECT_EQ(difference("aten::slice_backward", {transposed({4, 3}), sizes, 1, 0, 3, 1}), "");
  EXPECT_EQ(difference("aten::diagonal_backward", {plain({4}), sizes, 0, 0, 1}), "");
  EXPECT_EQ(difference("aten::unfold_backward", {plain({4, 3, 2}), sizes, 1, 2, 2}), "");
}

}  // namespace
}  // namespace moai::front::shape
