#include "moai/device/aten/call/tensors.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <gmock/gmock.h>

#include "moai/device/aten/memory/cpu_memory.h"

namespace moai::device {
namespace {

using tensor::DType;
using tensor::Geometry;
using testing::ElementsAre;

Geometry geometry(const std::string& text) {
  const auto g = tensor::geometry_from_string(text);
  EXPECT_TRUE(g) << text;
  return g.value_or(Geometry{});
}

at::Tensor over(const std::string& text, const at::Tensor& storage) {
  return make_tensor(geometry(text), storage.storage(), at::kCPU);
}

TEST(Tensors, LieInTheirStorageAsTheGeometrySays) {
  const at::Tensor base = at::arange(10, at::kDouble);
  const at::Tensor view = over("f64[2,3]{1,2}+1", base);
  EXPECT_TRUE(view.equal(base.as_strided({2, 3}, {1, 2}, 1)));
  EXPECT_TRUE(view.storage().is_alias_of(base.storage()));
  EXPECT_EQ(over("f64[]+4", base).item<double>(), 4);
  EXPECT_EQ(over("f64[0,3]", base).numel(), 0);
}

TEST(Tensors, HaveTheFlagsOfTheGeometry) {
  const at::Tensor base = at::rand({4}, at::kComplexDouble);
  EXPECT_TRUE(over("c128[4]*", base).is_conj());
  EXPECT_TRUE(over("c128[4]*", base).equal(base.conj()));
  EXPECT_TRUE(over("c128[4]-", base).is_neg());
  EXPECT_TRUE(over("c128[]w", base).unsafeGetTensorImpl()->is_wrapped_number());
  EXPECT_FALSE(over("c128[]", base).unsafeGetTensorImpl()->is_wrapped_number());
}

TEST(Tensors, EveryTypeOfElementKeepsItsNumber) {
  for (const char* text : {"u8[2]", "i8[2]", "i16[2]", "i32[2]", "i64[2]", "f16[2]", "f32[2]",
                           "f64[2]", "c64[2]", "c128[2]", "bool[2]", "bf16[2]", "u16[2]"}) {
    const Geometry g = geometry(text);
    const at::Tensor t = make_tensor(g, make_storage(32, at::kCPU), at::kCPU);
    EXPECT_EQ(t.element_size(), static_cast<int64_t>(tensor::dtype_size(g.dtype))) << text;
    EXPECT_EQ(geometry_of(t), g);
  }
}

TEST(Tensors, GeometryOfIsTheWayBack) {
  const at::Tensor base = at::rand({4, 6}, at::kComplexDouble);
  EXPECT_EQ(tensor::to_string(geometry_of(base.t())), "c128[6,4]{1,6}");
  EXPECT_EQ(tensor::to_string(geometry_of(base.conj().narrow(0, 1, 2))), "c128[2,6]+6*");
}

TEST(Tensors, LiesLikeComparesAllButStridesOfSingleRows) {
  const at::Tensor t = at::rand({1, 3}, at::kDouble);
  EXPECT_TRUE(lies_like(t, geometry("f64[1,3]")));
  EXPECT_TRUE(lies_like(t, geometry("f64[1,3]{7,1}")));
  EXPECT_FALSE(lies_like(t, geometry("f64[3,1]")));
  EXPECT_FALSE(lies_like(t, geometry("f64[1,3]{3,2}")));
  EXPECT_FALSE(lies_like(t, geometry("f64[1,3]{3,1}+1")));
  EXPECT_FALSE(lies_like(t, geometry("f32[1,3]")));
  EXPECT_FALSE(lies_like(at::rand({3}, at::kComplexDouble).conj(), geometry("c128[3]")));
}

TEST(Tensors, OnlyTheSoleHolderOwnsAStorage) {
  at::Tensor t = at::rand({3});
  EXPECT_TRUE(owns_storage(t));
  {
    const at::Tensor same = t;
    EXPECT_FALSE(owns_storage(t)) << "the tensor is shared";
  }
  {
    const at::Tensor view = t.narrow(0, 0, 1);
    EXPECT_FALSE(owns_storage(t)) << "the storage is shared";
  }
  EXPECT_TRUE(owns_storage(t));
}

TEST(Tensors, ASmallPartOfALargeStorageIsNotWorthKeeping) {
  const at::AutoDispatchBelowADInplaceOrView below;  // else a view holds its base
  const at::Tensor part = at::rand({100}).narrow(0, 0, 2);
  EXPECT_FALSE(owns_storage(part));
  const at::Tensor most = at::rand({100}).narrow(0, 0, 60);
  EXPECT_TRUE(owns_storage(most));
}

TEST(Tensors, EmptyStoragesAreShared) {
  EXPECT_EQ(empty_storage(at::kCPU).unsafeGetStorageImpl(),
            empty_storage(at::kCPU).unsafeGetStorageImpl());
  EXPECT_EQ(empty_storage(at::kCPU).nbytes(), 0u);
  EXPECT_EQ(make_storage(24, at::kCPU).nbytes(), 24u);
}

TEST(Tensors, NumbersThatCallsKeepAreNoMemoryOfTheDevice) {
  const uint64_t before = cpu_memory().figures().live;
  const at::Tensor number = make_tensor(geometry("c128[]w"), make_scalar_storage(), at::kCPU);
  EXPECT_EQ(cpu_memory().figures().live, before);
  EXPECT_EQ(at::real(number).item<double>(), 0);
}

}  // namespace
}  // namespace moai::device
