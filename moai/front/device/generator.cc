#include "moai/front/device/generator.h"

#include <cstring>

namespace moai::front {
namespace {

constexpr int64_t kStateBytes = 16;

}  // namespace

DeviceGenerator::DeviceGenerator(std::shared_ptr<State> state)
    : GeneratorImpl(c10::Device(device_type(), 0), c10::DispatchKeySet(device_kind().dense)),
      state_(std::move(state)) {}

DeviceGenerator::DeviceGenerator() : DeviceGenerator(std::make_shared<State>()) {
  state_->next.seed = c10::default_rng_seed_val;
}

DeviceGenerator::Draw DeviceGenerator::draw() {
  const std::lock_guard lock(state_->mutex);
  const Draw now = state_->next;
  ++state_->next.counter;
  return now;
}

DeviceGenerator::Draw DeviceGenerator::next() const {
  const std::lock_guard lock(state_->mutex);
  return state_->next;
}

void DeviceGenerator::set(Draw draw) {
  const std::lock_guard lock(state_->mutex);
  state_->next = draw;
}

void DeviceGenerator::set_current_seed(uint64_t seed) { set({seed, 0}); }
void DeviceGenerator::set_offset(uint64_t offset) { set({next().seed, offset}); }
uint64_t DeviceGenerator::get_offset() const { return next().counter; }
uint64_t DeviceGenerator::current_seed() const { return next().seed; }

uint64_t DeviceGenerator::seed() {
  const uint64_t random = c10::detail::getNonDeterministicRandom(true);
  set_current_seed(random);
  return random;
}

void DeviceGenerator::set_state(const c10::TensorImpl& state) {
  TORCH_CHECK_TYPE(state.device_type() == at::kCPU && state.dtype() == at::kByte,
                   "RNG state must be a torch.ByteTensor");
  TORCH_CHECK(state.numel() == kStateBytes || state.numel() == kStateBytes / 2,
              "RNG state is wrong size");
  Draw draw;
  const auto* bytes = static_cast<const char*>(state.data());
  std::memcpy(&draw.seed, bytes, sizeof draw.seed);
  if (state.numel() == kStateBytes) std::memcpy(&draw.counter, bytes + 8, sizeof draw.counter);
  set(draw);
}

c10::intrusive_ptr<c10::TensorImpl> DeviceGenerator::get_state() const {
  at::Tensor state = at::empty({kStateBytes}, at::TensorOptions(at::kByte).device(at::kCPU));
  const Draw now = next();
  std::memcpy(state.data_ptr(), &now.seed, sizeof now.seed);
  std::memcpy(static_cast<char*>(state.data_ptr()) + 8, &now.counter, sizeof now.counter);
  return state.getIntrusivePtr();
}

void DeviceGenerator::graphsafe_set_state(const c10::intrusive_ptr<c10::GeneratorImpl>& state) {
  auto* other = dynamic_cast<DeviceGenerator*>(state.get());
  TORCH_CHECK(other, "graphsafe_set_state: expected a generator of this device");
  state_ = other->state_;
}

c10::intrusive_ptr<c10::GeneratorImpl> DeviceGenerator::graphsafe_get_state() const {
  return c10::intrusive_ptr<c10::GeneratorImpl>::reclaim(new DeviceGenerator(state_));
}

DeviceGenerator* DeviceGenerator::clone_impl() const {
  auto* copy = new DeviceGenerator;
  copy->set(next());
  return copy;
}

const at::Generator& default_generator() {
  static auto* generator = new at::Generator(make_device_generator());
  return *generator;
}

at::Generator make_device_generator() { return at::make_generator<DeviceGenerator>(); }

}  // namespace moai::front
