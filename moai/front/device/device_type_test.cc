#include "moai/front/device/device_type.h"

#include <gtest/gtest.h>

namespace moai::front {
namespace {

struct DeviceTypeTest : ::testing::Test {
  ~DeviceTypeTest() override { choose_device_kind("cuda"); }
};

TEST_F(DeviceTypeTest, IsCudaUntilChosenOtherwise) {
  EXPECT_EQ(device_type(), c10::DeviceType::CUDA);
  choose_device_kind("moai");
  EXPECT_EQ(device_type(), c10::DeviceType::PrivateUse1);
  choose_device_kind("cuda");
  EXPECT_EQ(device_type(), c10::DeviceType::CUDA);
}

TEST_F(DeviceTypeTest, TheKeysOfAKindBelongToItsType) {
  for (const char* name : {"cuda", "moai"}) {
    choose_device_kind(name);
    const DeviceKind& kind = device_kind();
    for (const c10::DispatchKey key :
         {kind.dense, kind.sparse, kind.sparse_csr, kind.quantized, kind.nested}) {
      EXPECT_EQ(c10::dispatchKeyToDeviceType(key), kind.type) << name << " " << key;
    }
  }
}

TEST_F(DeviceTypeTest, ATensorOfTheHostIsNotOnTheDevice) {
  EXPECT_FALSE(on_device(at::empty({2}, at::kCPU)));
}

TEST_F(DeviceTypeTest, AnUnknownNameIsRefusedWithWhatIsAllowed) {
  try {
    choose_device_kind("tpu");
    FAIL();
  } catch (const c10::ValueError& error) {
    EXPECT_STREQ(error.what_without_backtrace(),
                 "[front.device_type] no kind of device 'tpu': MOAI_DEVICE is cuda or moai");
  }
}

}  // namespace
}  // namespace moai::front
