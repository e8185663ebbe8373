#include "moai/agent/probe/simulated.h"

#include <unistd.h>

#include <cmath>

#include "moai/agent/probe/busy_share.h"
#include "moai/base/process.h"

namespace moai::agent {
namespace {

constexpr double kAmbientC = 34, kRiseC = 42, kMemoryExtraC = 6;
constexpr double kSettleMs = 30'000;
constexpr double kIdlePowerW = 90, kFullPowerW = 500;

struct Body {
  BusyShare busy;
  double temperature_c = kAmbientC;
  int64_t last_ms = 0;
};

class SimulatedProbe : public Probe {
 public:
  explicit SimulatedProbe(const SimulatedOptions& options)
      : options_(options), bodies_(options.devices) {
    if (options_.memory_bytes == 0) {
      options_.memory_bytes = default_simulated_memory(options_.devices);
    }
  }

  Result<std::vector<ProbedDevice>> devices() override {
    std::vector<ProbedDevice> all;
    for (uint32_t i = 0; i < options_.devices; ++i) {
      all.push_back({i, "cpu", "Simulated accelerator", options_.memory_bytes, true});
    }
    return all;
  }

  Result<DeviceSample> sample(uint32_t device, int64_t worker_pid, int64_t now_ms) override {
    if (device >= bodies_.size()) {
      return not_found("[agent.probe] no such device: " + std::to_string(device));
    }
    Body& body = bodies_[device];
    DeviceSample sample;
    const uint64_t busy_ns = worker_pid ? cpu_time_ns(worker_pid) : 0;
    sample.utilization = body.busy.update(worker_pid, busy_ns, now_ms, options_.threads);
    if (worker_pid) sample.memory_used_bytes = resident_bytes(worker_pid);
    const double target = kAmbientC + kRiseC * sample.utilization;
    const double passed_ms = body.last_ms ? static_cast<double>(now_ms - body.last_ms) : 0;
    body.temperature_c += (target - body.temperature_c) * (1 - std::exp(-passed_ms / kSettleMs));
    body.last_ms = now_ms;
    sample.temperature_c = body.temperature_c;
    sample.memory_temperature_c = body.temperature_c + kMemoryExtraC * sample.utilization;
    sample.power_w = kIdlePowerW + (kFullPowerW - kIdlePowerW) * sample.utilization;
    return sample;
  }

 private:
  SimulatedOptions options_;
  std::vector<Body> bodies_;
};

}  // namespace

std::unique_ptr<Probe> simulated_probe(const SimulatedOptions& options) {
  return std::make_unique<SimulatedProbe>(options);
}

uint64_t default_simulated_memory(uint32_t devices) {
  const uint64_t machine = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                           static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const uint64_t mib = uint64_t{1} << 20;
  return machine / 2 / (devices ? devices : 1) / mib * mib;
}

}  // namespace moai::agent
