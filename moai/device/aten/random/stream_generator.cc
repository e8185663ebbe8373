#include "moai/device/aten/random/stream_generator.h"

#include <c10/core/GeneratorImpl.h>
#include <c10/util/Exception.h>

namespace moai::device {
namespace {

class StreamGenerator final : public c10::GeneratorImpl {
 public:
  explicit StreamGenerator(PhiloxStream stream)
      : c10::GeneratorImpl(c10::Device(c10::kCPU), c10::DispatchKeySet(c10::DispatchKey::CPU)),
        stream_(stream) {}

  PhiloxStream stream() const { return stream_; }

  void set_current_seed(uint64_t seed) override { stream_.seed = seed; }
  uint64_t current_seed() const override { return stream_.seed; }
  uint64_t seed() override { return stream_.seed; }
  void set_offset(uint64_t offset) override { stream_.counter = offset; }
  uint64_t get_offset() const override { return stream_.counter; }
  void set_state(const c10::TensorImpl&) override { refuse(); }
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override { refuse(); }
  c10::GeneratorImpl* clone_impl() const override { return new StreamGenerator(stream_); }

 private:
  [[noreturn]] static void refuse() {
    TORCH_CHECK(false, "[device.random] a drawing kernel's stream has no state tensor");
  }

  PhiloxStream stream_;
};

}  // namespace

at::Generator make_stream_generator(PhiloxStream stream) {
  return at::make_generator<StreamGenerator>(stream);
}

PhiloxStream stream_of(const std::optional<at::Generator>& generator) {
  TORCH_INTERNAL_ASSERT(generator.has_value() && generator->defined());
  return static_cast<StreamGenerator*>(generator->unsafeGetGeneratorImpl())->stream();
}

}  // namespace moai::device
