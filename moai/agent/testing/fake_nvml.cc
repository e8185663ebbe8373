// Stands in for NVIDIA's management library in tests: two devices, of which the second reports
// neither temperature nor power.
#include <cstdio>
#include <cstring>

namespace {
constexpr int kInvalid = 2, kNotSupported = 3;
int g_devices[2];
bool is_second(const void* device) { return device == &g_devices[1]; }
}  // namespace

#define MOAI_EXPORT extern "C" __attribute__((visibility("default")))

MOAI_EXPORT int nvmlInit_v2() { return 0; }
MOAI_EXPORT const char* nvmlErrorString(int code) {
  return code == kInvalid ? "Invalid Argument" : "Not Supported";
}
MOAI_EXPORT int nvmlDeviceGetCount_v2(unsigned int* count) {
  *count = 2;
  return 0;
}
MOAI_EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void** device) {
  if (index > 1) return kInvalid;
  *device = &g_devices[index];
  return 0;
}
MOAI_EXPORT int nvmlDeviceGetName(void* device, char* name, unsigned int length) {
  std::snprintf(name, length, "Accelerator %d", is_second(device) ? 1 : 0);
  return 0;
}
MOAI_EXPORT int nvmlDeviceGetMemoryInfo(void*, unsigned long long* total_free_used) {
  const unsigned long long values[] = {85520809984, 85000000000, 520809984};
  std::memcpy(total_free_used, values, sizeof values);
  return 0;
}
MOAI_EXPORT int nvmlDeviceGetUtilizationRates(void*, unsigned int* gpu_memory) {
  gpu_memory[0] = 37;
  gpu_memory[1] = 5;
  return 0;
}
MOAI_EXPORT int nvmlDeviceGetTemperature(void* device, int, unsigned int* celsius) {
  *celsius = 41;
  return is_second(device) ? kNotSupported : 0;
}
MOAI_EXPORT int nvmlDeviceGetPowerUsage(void* device, unsigned int* milliwatts) {
  *milliwatts = 72500;
  return is_second(device) ? kNotSupported : 0;
}
