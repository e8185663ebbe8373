#include "moai/agent/probe/linux_cpu.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

#include "moai/agent/probe/busy_share.h"

namespace moai::agent {
namespace {

// The value in bytes of a line "Name:   123 kB" of /proc/meminfo; 0 when it is not there.
uint64_t memory_line(const std::string& root, const std::string& name) {
  std::ifstream file(root + "/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(name + ":", 0) != 0) continue;
    return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
  }
  return 0;
}

std::string model_name(const std::string& root) {
  std::ifstream file(root + "/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "CPU";
}

struct CpuTimes {
  uint64_t busy_ticks = 0;
  uint32_t processors = 0;
};

CpuTimes cpu_times(const std::string& root) {
  CpuTimes times;
  std::ifstream file(root + "/proc/stat");
  for (std::string line; std::getline(file, line) && line.rfind("cpu", 0) == 0;) {
    std::istringstream words(line);
    std::string name;
    uint64_t user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0;
    words >> name >> user >> nice >> system >> idle >> wait >> irq >> soft;
    if (name == "cpu") {
      times.busy_ticks = user + nice + system + irq + soft;
    } else {
      ++times.processors;
    }
  }
  return times;
}

std::optional<double> temperature(const std::string& root) {
  std::ifstream file(root + "/sys/class/thermal/thermal_zone0/temp");
  double milli = 0;
  if (!(file >> milli)) return std::nullopt;
  return milli / 1000;
}

class LinuxCpuProbe : public Probe {
 public:
  explicit LinuxCpuProbe(std::string root) : root_(std::move(root)) {}

  Result<std::vector<ProbedDevice>> devices() override {
    const uint64_t total = memory_line(root_, "MemTotal");
    if (total == 0) return unavailable("[agent.probe] cannot read " + root_ + "/proc/meminfo");
    return std::vector<ProbedDevice>{{0, "cpu", model_name(root_), total, false}};
  }

  Result<DeviceSample> sample(uint32_t device, int64_t, int64_t now_ms) override {
    if (device != 0) return not_found("[agent.probe] no such device: " + std::to_string(device));
    const uint64_t total = memory_line(root_, "MemTotal");
    const uint64_t available = memory_line(root_, "MemAvailable");
    const CpuTimes times = cpu_times(root_);
    const uint64_t tick_ns = 1'000'000'000ull / static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
    DeviceSample sample;
    sample.memory_used_bytes = total > available ? total - available : 0;
    sample.utilization = busy_.update(0, times.busy_ticks * tick_ns, now_ms, times.processors);
    sample.temperature_c = temperature(root_);
    return sample;
  }

 private:
  std::string root_;
  BusyShare busy_;
};

}  // namespace

std::unique_ptr<Probe> linux_cpu_probe(std::string root) {
  return std::make_unique<LinuxCpuProbe>(std::move(root));
}

}  // namespace moai::agent
