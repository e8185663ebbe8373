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

#define MOAI_DRAW(name, function) {"aten::" name, &Binding<&function>::call}

constexpr KernelRow kRows[] = {
    MOAI_DRAW("rand", rand<>),
    MOAI_DRAW("rand.generator", rand<NoGenerator>),
    MOAI_DRAW("rand.out", rand_out<>),
    MOAI_DRAW("rand.generator_out", rand_out<NoGenerator>),
    MOAI_DRAW("rand_like", rand_like<>),
    MOAI_DRAW("rand_like.generator", rand_like<NoGenerator>),
    MOAI_DRAW("randn", randn<>),
    MOAI_DRAW("randn.generator", randn<NoGenerator>),
    MOAI_DRAW("randn.out", randn_out<>),
    MOAI_DRAW("randn.generator_out", randn_out<NoGenerator>),
    MOAI_DRAW("randn_like", randn_like<>),
    MOAI_DRAW("randn_like.generator", randn_like<NoGenerator>),
    MOAI_DRAW("normal.float_float", normal_float_float),
    MOAI_DRAW("normal.float_float_out", normal_float_float_out),
    MOAI_DRAW("randint", randint<>),
    MOAI_DRAW("randint.generator", randint<NoGenerator>),
    MOAI_DRAW("randint.low", randint_low<>),
    MOAI_DRAW("randint.low_generator", randint_low<NoGenerator>),
    MOAI_DRAW("randint.out", randint_out<>),
    MOAI_DRAW("randint.generator_out", randint_out<NoGenerator>),
    MOAI_DRAW("randint.low_out", randint_low_out<>),
    MOAI_DRAW("randint.low_generator_out", randint_low_out<NoGenerator>),
    MOAI_DRAW("randint_like", randint_like<>),
    MOAI_DRAW("randint_like.generator", randint_like<NoGenerator>),
    MOAI_DRAW("randint_like.low_dtype", randint_like_low<>),
    MOAI_DRAW("randint_like.low_generator_dtype", randint_like_low<NoGenerator>),
    MOAI_DRAW("randperm", randperm<>),
    MOAI_DRAW("randperm.generator", randperm<NoGenerator>),
    MOAI_DRAW("randperm.out", randperm_out),
    MOAI_DRAW("randperm.generator_out", randperm_generator_out),
};

}  // namespace

std::span<const KernelRow> factory_kernels() { return kRows; }

}  // namespace moai::device
