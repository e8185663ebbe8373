#include "moai/device/aten/memory/cpu_memory.h"

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>

namespace moai::device {
namespace {

using testing::HasSubstr;

TEST(CpuMemory, CountsWhatTheLibraryAllocates) {
  BlockCache& memory = cpu_memory();
  const uint64_t before = memory.figures().live;
  {
    const at::Tensor tensor = at::empty({1000}, at::kFloat);
    EXPECT_EQ(memory.figures().live, before + 4000);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data_ptr()) % 64, 0u);
  }
  EXPECT_EQ(memory.figures().live, before);
}

TEST(CpuMemory, PastTheLimitTheLibraryThrowsItsOwnClass) {
  BlockCache& memory = cpu_memory();
  memory.set_limit(memory.figures().live + 1000);
  try {
    at::empty({1 << 20}, at::kFloat);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const c10::OutOfMemoryError& e) {
    EXPECT_THAT(e.what_without_backtrace(), HasSubstr("Tried to allocate 4.00 MiB"));
  }
  memory.set_limit(0);
}

TEST(CpuMemory, TheTextHasTheFigures) {
  const std::string text = out_of_memory_text(
      20 << 20, {.limit = uint64_t{2} << 30, .live = uint64_t{2045} << 20, .reserved = 0});
  EXPECT_EQ(text,
            "CUDA out of memory. Tried to allocate 20.00 MiB. The device has a total capacity of "
            "2.00 GiB of which 3.00 MiB is free; 2.00 GiB is allocated.");
  EXPECT_THAT(out_of_memory_text(512, {}), HasSubstr("0.50 KiB. The machine has no more memory"));
}

}  // namespace
}  // namespace moai::device
