// Random numbers of the device: a seed and a counter of drawing calls.
//
// Each drawing call takes (seed, counter) and raises the counter by one; the numbers themselves are
// a function of those and the element's index, computed where the tensor lives. The state is 16
// bytes: seed, counter.
#pragma once

#include <atomic>
#include <mutex>

#include "moai/front/device/device_type.h"
#include "moai/front/torch_headers.h"

namespace moai::front {

class DeviceGenerator final : public c10::GeneratorImpl {
 public:
  DeviceGenerator();

  struct Draw {
    uint64_t seed = 0;
    uint64_t counter = 0;
  };
  // What the next drawing call shall use. Thread-safe.
  Draw draw();

  static c10::DeviceType device_type() { return front::device_type(); }

  void set_current_seed(uint64_t seed) override;
  void set_offset(uint64_t offset) override;
  uint64_t get_offset() const override;
  uint64_t current_seed() const override;
  uint64_t seed() override;
  void set_state(const c10::TensorImpl& state) override;
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override;
  void graphsafe_set_state(const c10::intrusive_ptr<c10::GeneratorImpl>& state) override;
  c10::intrusive_ptr<c10::GeneratorImpl> graphsafe_get_state() const override;

 private:
  // Shared with generators that took this one's state graph-safely.
  struct State {
    std::mutex mutex;
    Draw next;  // guarded by mutex
  };
  explicit DeviceGenerator(std::shared_ptr<State> state);
  DeviceGenerator* clone_impl() const override;
  Draw next() const;
  void set(Draw draw);

  std::shared_ptr<State> state_;  // shared: see State
};

const at::Generator& default_generator();
at::Generator make_device_generator();

}  // namespace moai::front
