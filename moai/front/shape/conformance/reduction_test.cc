// Reductions, scans and products.
#include <gtest/gtest.h>

#include "moai/front/shape/conformance/calls.h"

namespace moai::front::shape {
namespace {

using c10::IValue;
using Ints = std::vector<int64_t>;

const IValue kNone;

std::vector<at::Tensor> inputs() {
  return {plain({2, 3, 4}),
          transposed({2, 3, 4}),
          sliced({2, 3, 4}),
          plain({2, 3, 4}, at::kLong),
          plain({2, 3, 4}, at::kBool),
          plain({2, 3, 4}, at::kBFloat16),
          plain({}),
          plain({0, 3})};
}

TEST(ReductionTest, OverDimensions) {
  for (const at::Tensor& t : inputs()) {
    for (const bool keep : {false, true}) {
      for (const Ints& dims : {Ints{0}, Ints{-1}, Ints{0, 1}, Ints{}, Ints{5}, Ints{0, 0}}) {
        for (const char* name : {"aten::sum.dim_IntList", "aten::mean.dim", "aten::amax",
                                 "aten::amin", "aten::all.dims"}) {
          EXPECT_EQ(difference(name, {t, dims, keep}), "");
        }
        for (const char* name : {"aten::var.correction", "aten::std.correction",
                                 "aten::var_mean.correction", "aten::std_mean.correction"}) {
          EXPECT_EQ(difference(name, {t, dims, 1, keep}), "");
        }
        if (!dims.empty()) {
          EXPECT_EQ(difference("aten::logsumexp", {t, dims, keep}), "");
        }
        EXPECT_EQ(difference("aten::linalg_vector_norm", {t, 2, dims, keep, kNone}), "");
      }
      EXPECT_EQ(difference("aten::var.correction", {t, kNone, kNone, keep}), "");
      for (const int64_t dim : {0, -1, 4}) {
        for (const char* name : {"aten::argmax", "aten::argmin", "aten::max.dim", "aten::min.dim",
                                 "aten::prod.dim_int", "aten::any.dim", "aten::all.dim"}) {
          EXPECT_EQ(difference(name, {t, dim, keep}), "");
        }
      }
    }
  }
}

TEST(ReductionTest, OverEverything) {
  for (const at::Tensor& t : inputs()) {
    for (const char* name : {"aten::sum", "aten::mean", "aten::prod", "aten::max", "aten::min",
                             "aten::any", "aten::all", "aten::argmax"}) {
      EXPECT_EQ(difference(name, {t}), "");
    }
    EXPECT_EQ(difference("aten::sum", {t, at::kDouble}), "");
    EXPECT_EQ(difference("aten::sum.dim_IntList", {t, kNone, false, at::kFloat}), "");
  }
}

TEST(ScanTest, InfersWhatTheKernelReturns) {
  for (const at::Tensor& t : inputs()) {
    EXPECT_EQ(difference("aten::cumsum", {t, 0}), "");
    EXPECT_EQ(difference("aten::cumprod", {t, -1, at::kDouble}), "");
    EXPECT_EQ(difference("aten::sort", {t, -1, false}), "");
    EXPECT_EQ(difference("aten::sort.stable", {t, true, 0, true}), "");
    EXPECT_EQ(difference("aten::topk", {t, 1}), "");
    EXPECT_EQ(difference("aten::topk", {t, 9}), "");
  }
}

TEST(ProductTest, OfMatrices) {
  for (const at::Tensor& a : {plain({2, 3}), transposed({2, 3}), sliced({2, 3})}) {
    for (const at::Tensor& b : {plain({3, 4}), transposed({3, 4}), plain({2, 4}), plain({3}),
                                plain({3, 4}, at::kDouble)}) {
      EXPECT_EQ(difference("aten::mm", {a, b}), "");
      for (const at::Tensor& bias :
           {plain({4}), plain({2, 4}), plain({2, 1}), plain({}), plain({5}), transposed({2, 4})}) {
        EXPECT_EQ(difference("aten::addmm", {bias, a, b}), "");
      }
    }
    EXPECT_EQ(difference("aten::mv", {a, plain({3})}), "");
    EXPECT_EQ(difference("aten::addmv", {plain({2}), a, plain({3})}), "");
    EXPECT_EQ(difference("aten::addmv", {plain({4}), a, plain({3})}), "");
    EXPECT_EQ(difference("aten::mv", {a, plain({2})}), "");
    EXPECT_EQ(difference("aten::mv", {plain({3}), plain({3})}), "");
  }
  EXPECT_EQ(difference("aten::mm", {plain({0, 3}), plain({3, 4})}), "");
  EXPECT_EQ(difference("aten::mm.out", {plain({2, 3}), plain({3, 4}), plain({2, 4})}), "");
  EXPECT_EQ(difference("aten::dot", {plain({3}), plain({3})}), "");
  EXPECT_EQ(difference("aten::dot", {plain({3}), plain({4})}), "");
  EXPECT_EQ(difference("aten::dot", {plain({3}), plain({3}, at::kDouble)}), "");
  EXPECT_EQ(difference("aten::addmm_", {plain({2, 4}), plain({2, 3}), plain({3, 4})}), "");
}

TEST(ProductTest, OfGroups) {
  const at::Tensor two = plain({2}, at::kInt), three = plain({3}, at::kInt);
  for (const auto type : {at::kFloat, at::kBFloat16, at::kDouble}) {
    const at::Tensor flat = plain({6, 8}, type), batch = plain({2, 8, 16}, type);
    EXPECT_EQ(difference("aten::_grouped_mm", {flat, batch, two}), "");
    EXPECT_EQ(difference("aten::_grouped_mm", {flat, batch, three}), "");
    EXPECT_EQ(difference("aten::_grouped_mm", {flat, batch}), "");
    EXPECT_EQ(difference("aten::_grouped_mm", {flat, plain({2, 8, 5}, type), two}), "");
    EXPECT_EQ(difference("aten::_grouped_mm", {flat, plain({8, 16}, type), two}), "");
    EXPECT_EQ(difference("aten::_grouped_mm", {plain({2, 6, 8}, type), batch}), "");
    EXPECT_EQ(difference("aten::_grouped_mm", {plain({3, 6, 8}, type), batch}), "");
    EXPECT_EQ(difference("aten::_grouped_mm", {plain({2, 6, 8}, type), plain({8, 16}, type), two}),
              "");
    EXPECT_EQ(difference("aten::_grouped_mm", {flat, transposed({2, 8, 16}, type), two}), "");
  }
  EXPECT_EQ(difference("aten::_grouped_mm", {plain({6, 7}), plain({2, 7, 16}), two}), "");
  EXPECT_EQ(difference("aten::_grouped_mm", {plain({6, 8}), plain({2, 8, 16}), indices({2})}), "");
}

TEST(ProductTest, OfBatches) {
  for (const at::Tensor& a : {plain({2, 3, 4}), transposed({2, 3, 4}), expanded({2, 3, 4})}) {
    for (const at::Tensor& b :
         {plain({2, 4, 5}), transposed({2, 4, 5}), plain({3, 4, 5}), plain({2, 3, 5})}) {
      EXPECT_EQ(difference("aten::bmm", {a, b}), "");
      EXPECT_EQ(difference("aten::baddbmm", {plain({2, 3, 5}), a, b}), "");
      EXPECT_EQ(difference("aten::baddbmm", {plain({5}), a, b}), "");
      EXPECT_EQ(difference("aten::baddbmm", {plain({7}), a, b}), "");
    }
  }
}

}  // namespace
}  // namespace moai::front::shape
