#include "moai/agent/probe/nvidia.h"

#include <dlfcn.h>

namespace moai::agent {
namespace {

// The part of NVML's interface that is used, as its version 2 has it.
using Handle = struct Opaque*;
struct Memory {
  unsigned long long total = 0, free = 0, used = 0;
};
struct Utilization {
  unsigned int gpu = 0, memory = 0;  // percent
};
constexpr int kSuccess = 0;
constexpr int kGpuSensor = 0;
constexpr size_t kNameLength = 96;

Status unavailable_because(const std::string& why) {
  return unavailable("[agent.probe] NVIDIA's management library: " + why);
}

class Library {
 public:
  Status load(const std::string& file) {
    if (loaded_) return ok_status();
    void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) return unavailable_because(last_error(file));
    bool all = true;
    const auto find = [&](auto*& function, const char* name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
      all &= function != nullptr;
    };
    int (*init)() = nullptr;
    find(init, "nvmlInit_v2");
    find(error_text, "nvmlErrorString");
    find(count, "nvmlDeviceGetCount_v2");
    find(handle, "nvmlDeviceGetHandleByIndex_v2");
    find(name, "nvmlDeviceGetName");
    find(memory, "nvmlDeviceGetMemoryInfo");
    find(utilization, "nvmlDeviceGetUtilizationRates");
    find(temperature, "nvmlDeviceGetTemperature");
    find(power, "nvmlDeviceGetPowerUsage");
    if (!all) return unavailable_because(last_error(file));
    MOAI_RETURN_IF_ERROR(check(init()));
    loaded_ = true;
    return ok_status();
  }
  Status check(int code) const {
    return code == kSuccess ? ok_status() : unavailable_because(error_text(code));
  }

  const char* (*error_text)(int) = nullptr;
  int (*count)(unsigned int*) = nullptr;
  int (*handle)(unsigned int, Handle*) = nullptr;
  int (*name)(Handle, char*, unsigned int) = nullptr;
  int (*memory)(Handle, Memory*) = nullptr;
  int (*utilization)(Handle, Utilization*) = nullptr;
  int (*temperature)(Handle, int, unsigned int*) = nullptr;
  int (*power)(Handle, unsigned int*) = nullptr;  // milliwatts

 private:
  static std::string last_error(const std::string& file) {
    const char* why = ::dlerror();
    return why ? why : file;
  }

  bool loaded_ = false;  // and stays so while the process lives
};

class NvidiaProbe final : public Probe {
 public:
  explicit NvidiaProbe(std::string file) : file_(std::move(file)) {}

  Result<std::vector<ProbedDevice>> devices() override {
    MOAI_RETURN_IF_ERROR(library_.load(file_));
    unsigned int count = 0;
    MOAI_RETURN_IF_ERROR(library_.check(library_.count(&count)));
    std::vector<ProbedDevice> all;
    for (unsigned int i = 0; i < count; ++i) {
      MOAI_ASSIGN_OR_RETURN(const Handle device, handle_of(i));
      char name[kNameLength] = {};
      Memory memory;
      MOAI_RETURN_IF_ERROR(library_.check(library_.name(device, name, kNameLength)));
      MOAI_RETURN_IF_ERROR(library_.check(library_.memory(device, &memory)));
      all.push_back({i, "cuda", name, memory.total, false});
    }
    return all;
  }

  Result<DeviceSample> sample(uint32_t index, int64_t, int64_t) override {
    MOAI_RETURN_IF_ERROR(library_.load(file_));
    MOAI_ASSIGN_OR_RETURN(const Handle device, handle_of(index));
    DeviceSample sample;
    Memory memory;
    MOAI_RETURN_IF_ERROR(library_.check(library_.memory(device, &memory)));
    sample.memory_used_bytes = memory.used;
    // What a device does not report is left out.
    Utilization utilization;
    if (library_.utilization(device, &utilization) == kSuccess) {
      sample.utilization = utilization.gpu / 100.0;
    }
    unsigned int value = 0;
    if (library_.temperature(device, kGpuSensor, &value) == kSuccess) sample.temperature_c = value;
    if (library_.power(device, &value) == kSuccess) sample.power_w = value / 1000.0;
    return sample;
  }

 private:
  Result<Handle> handle_of(unsigned int index) const {
    Handle device = nullptr;
    MOAI_RETURN_IF_ERROR(library_.check(library_.handle(index, &device)));
    return device;
  }

  const std::string file_;
  Library library_;
};

}  // namespace

std::unique_ptr<Probe> nvidia_probe(std::string library) {
  return std::make_unique<NvidiaProbe>(std::move(library));
}

}  // namespace moai::agent
