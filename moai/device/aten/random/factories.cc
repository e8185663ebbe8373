// Factories: make a tensor of the wanted geometry and draw into it. Where an operator exists with
// and without a generator, `Generator` is {NoGenerator} and {}.
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <optional>
#include <vector>

#include "moai/device/aten/random/binding.h"
#include "moai/device/aten/random/kernel_table.h"
#include "moai/device/aten/random/operators.h"

namespace moai::device {
namespace {

using Sizes = std::vector<int64_t>;
using Type = std::optional<at::ScalarType>;
using Layout = std::optional<at::Layout>;
using Device = std::optional<at::Device>;
using Pin = std::optional<bool>;
using Format = std::optional<at::MemoryFormat>;

template <typename... Generator>
Tensor rand(PhiloxStream stream, Sizes size, Generator..., Type type, Layout layout, Device device,
            Pin pin) {
  return uniform_(stream, at::empty(size, type, layout, device, pin, std::nullopt), 0, 1, {});
}

template <typename... Generator>
Tensor rand_out(PhiloxStream stream, Sizes size, Generator..., Tensor out) {
  return uniform_(stream, out.resize_(size), 0, 1, {});
}

template <typename... Generator>
Tensor rand_like(PhiloxStream stream, Tensor self, Generator..., Type type, Layout layout,
                 Device device, Pin pin, Format format) {
  return uniform_(stream, at::empty_like(self, type, layout, device, pin, format), 0, 1, {});
}

template <typename... Generator>
Tensor randn(PhiloxStream stream, Sizes size, Generator..., Type type, Layout layout, Device device,
             Pin pin) {
  return normal_(stream, at::empty(size, type, layout, device, pin, std::nullopt), 0, 1, {});
}

template <typename... Generator>
Tensor randn_out(PhiloxStream stream, Sizes size, Generator..., Tensor out) {
  return normal_(stream, out.resize_(size), 0, 1, {});
}

template <typename... Generator>
Tensor randn_like(PhiloxStream stream, Tensor self, Generator..., Type type, Layout layout,
                  Device device, Pin pin, Format format) {
  return normal_(stream, at::empty_like(self, type, layout, device, pin, format), 0, 1, {});
}

Tensor normal_float_float(PhiloxStream stream, double mean, double std, Sizes size, NoGenerator,
                          Type type, Layout layout, Device device, Pin pin) {
  return normal_(stream, at::empty(size, type, layout, device, pin, std::nullopt), mean, std, {});
}

Tensor normal_float_float_out(PhiloxStream stream, double mean, double std, Sizes size, NoGenerator,
                              Tensor out) {
  return normal_(stream, out.resize_(size), mean, std, {});
}

template <typename... Generator>
Tensor randint_low(PhiloxStream stream, int64_t low, int64_t high, Sizes size, Generator...,
                   Type type, Layout layout, Device device, Pin pin) {
  const Tensor result = at::empty(size, type, layout, device, pin, std::nullopt);
  return random_from(stream, result, low, high, {});
}

template <typename... Generator>
Tensor randint(PhiloxStream stream, int64_t high, Sizes size, Generator..., Type type,
               Layout layout, Device device, Pin pin) {
  return randint_low<>(stream, 0, high, std::move(size), type, layout, device, pin);
}

template <typename... Generator>
Tensor randint_low_out(PhiloxStream stream, int64_t low, int64_t high, Sizes size, Generator...,
                       Tensor out) {
  return random_from(stream, out.resize_(size), low, high, {});
}

template <typename... Generator>
Tensor randint_out(PhiloxStream stream, int64_t high, Sizes size, Generator..., Tensor out) {
  return random_from(stream, out.resize_(size), 0, high, {});
}

template <typename... Generator>
Tensor randint_like_low(PhiloxStream stream, Tensor self, int64_t low, int64_t high, Generator...,
                        Type type, Layout layout, Device device, Pin pin, Format format) {
  const Tensor result = at::empty_like(self, type, layout, device, pin, format);
  return random_from(stream, result, low, high, {});
}

template <typename... Generator>
Tensor randint_like(PhiloxStream stream, Tensor self, int64_t high, Generator..., Type type,
                    Layout layout, Device device, Pin pin, Format format) {
  return randint_like_low<>(stream, std::move(self), 0, high, type, layout, device, pin, format);
}

template <typename... Generator>
Tensor randperm(PhiloxStream stream, int64_t n, Generator..., Type type, Layout layout,
                Device device, Pin pin) {
  return randperm_out(stream, n, at::empty({n}, type, layout, device, pin, std::nullopt));
}

constexpr KernelRow kRows[] = {
    bind<&rand<>>("aten::rand"),
    bind<&rand<NoGenerator>>("aten::rand.generator"),
    bind<&rand_out<>>("aten::rand.out"),
    bind<&rand_out<NoGenerator>>("aten::rand.generator_out"),
    bind<&rand_like<>>("aten::rand_like"),
    bind<&rand_like<NoGenerator>>("aten::rand_like.generator"),
    bind<&randn<>>("aten::randn"),
    bind<&randn<NoGenerator>>("aten::randn.generator"),
    bind<&randn_out<>>("aten::randn.out"),
    bind<&randn_out<NoGenerator>>("aten::randn.generator_out"),
    bind<&randn_like<>>("aten::randn_like"),
    bind<&randn_like<NoGenerator>>("aten::randn_like.generator"),
    bind<&normal_float_float>("aten::normal.float_float"),
    bind<&normal_float_float_out>("aten::normal.float_float_out"),
    bind<&randint<>>("aten::randint"),
    bind<&randint<NoGenerator>>("aten::randint.generator"),
    bind<&randint_low<>>("aten::randint.low"),
    bind<&randint_low<NoGenerator>>("aten::randint.low_generator"),
    bind<&randint_out<>>("aten::randint.out"),
    bind<&randint_out<NoGenerator>>("aten::randint.generator_out"),
    bind<&randint_low_out<>>("aten::randint.low_out"),
    bind<&randint_low_out<NoGenerator>>("aten::randint.low_generator_out"),
    bind<&randint_like<>>("aten::randint_like"),
    bind<&randint_like<NoGenerator>>("aten::randint_like.generator"),
    bind<&randint_like_low<>>("aten::randint_like.low_dtype"),
    bind<&randint_like_low<NoGenerator>>("aten::randint_like.low_generator_dtype"),
    bind<&randperm<>>("aten::randperm"),
    bind<&randperm<NoGenerator>>("aten::randperm.generator"),
    bind<&randperm_out>("aten::randperm.out"),
    bind<&randperm_generator_out>("aten::randperm.generator_out"),
};

}  // namespace

std::span<const KernelRow> factory_kernels() { return kRows; }

}  // namespace moai::device
