// Normalisation. Statistics have the type of the CPU kernels: that of the parameters where it
// differs from the input's.
#include <ATen/native/layer_norm.h>

#include "moai/front/shape/meta_tensor.h"
#include "moai/front/shape/rows.h"

namespace moai::front::shape {
namespace {

namespace op = at::_ops;
using at::IntArrayRef;
using at::Tensor;
using OptionalTensor = std::optional<Tensor>;
using Mask = std::array<bool, 3>;
using Three = std::tuple<Tensor, Tensor, Tensor>;

bool has(const OptionalTensor& t) { return t && t->defined(); }

// A half-precision input may come with parameters in single precision.
c10::ScalarType statistics_type(const Tensor& input,
                                std::initializer_list<const OptionalTensor*> parameters) {
  for (const OptionalTensor* p : parameters) {
    if (has(*p)) return (*p)->scalar_type();
  }
  return input.scalar_type();
}

Tensor in_format(const Tensor& t) {
  return fresh(t.sizes(), t.scalar_type(), t.suggest_memory_format());
}

Tensor gradient_of(const OptionalTensor& parameter, bool wanted) {
  if (!wanted || !has(parameter)) return {};
  return fresh(parameter->sizes(), parameter->scalar_type());
}

Three native_layer_norm(const Tensor& input, IntArrayRef normalized, const OptionalTensor& weight,
                        const OptionalTensor& bias, double) {
  at::native::_check_layer_norm_inputs(input, normalized, weight.value_or(Tensor()),
                                       bias.value_or(Tensor()));
  std::vector<int64_t> statistics = input.sizes().vec();
  std::fill(statistics.end() - static_cast<std::ptrdiff_t>(normalized.size()), statistics.end(), 1);
  const auto type = statistics_type(input, {&weight, &bias});
  return {fresh(input.sizes(), input.scalar_type()), fresh(statistics, type),
          fresh(statistics, type)};
}

Three native_layer_norm_backward(const Tensor&, const Tensor& input, IntArrayRef, const Tensor&,
                                 const Tensor&, const OptionalTensor& weight,
                                 const OptionalTensor& bias, Mask mask) {
  return {mask[0] ? fresh(input.sizes(), input.scalar_type()) : Tensor(),
          gradient_of(weight, mask[1]), gradient_of(has(bias) ? bias : weight, mask[2])};
}

Three native_group_norm(const Tensor& input, const OptionalTensor& weight,
                        const OptionalTensor& bias, int64_t batch, int64_t, int64_t, int64_t groups,
                        double) {
  const auto type = statistics_type(input, {&weight, &bias});
  return {in_format(input), fresh({batch, groups}, type), fresh({batch, groups}, type)};
}

Three native_group_norm_backward(const Tensor&, const Tensor& input, const Tensor&, const Tensor&,
                                 const OptionalTensor& weight, int64_t, int64_t channels, int64_t,
                                 int64_t, Mask mask) {
  Tensor bias;
  if (mask[2]) bias = fresh({channels}, statistics_type(input, {&weight}));
  return {mask[0] ? in_format(input) : Tensor(), gradient_of(weight, mask[1]), bias};
}

void check_channels(const OptionalTensor& t, int64_t channels, const char* name) {
  TORCH_CHECK(!has(t) || t->numel() == channels, name, " should contain ", channels,
              " elements not ", t->numel());
}

Three batch_norm(const Tensor& input, const OptionalTensor& weight, const OptionalTensor& bias,
                 const OptionalTensor& mean, const OptionalTensor& variance, bool training) {
  TORCH_CHECK(input.dim() >= 2, "Expected at least 2 dimensions in batch norm input, got ",
              input.dim());
  const int64_t channels = input.size(1);
  check_channels(mean, channels, "running_mean");
  check_channels(variance, channels, "running_var");
  check_channels(weight, channels, "weight");
  check_channels(bias, channels, "bias");
  const auto type = statistics_type(input, {&weight, &bias, &mean, &variance});
  const int64_t kept = training ? channels : 0;
  return {in_format(input), fresh({kept}, type), fresh({kept}, type)};
}

Three native_batch_norm(const Tensor& input, const OptionalTensor& weight,
                        const OptionalTensor& bias, const OptionalTensor& mean,
                        const OptionalTensor& variance, bool training, double, double) {
  return batch_norm(input, weight, bias, mean, variance, training);
}

Three native_batch_norm_legit(const Tensor& input, const OptionalTensor& weight,
                              const OptionalTensor& bias, const Tensor& mean,
                              const Tensor& variance, bool training, double, double) {
  return batch_norm(input, weight, bias, mean, variance, training);
}

Three native_batch_norm_without_statistics(const Tensor& input, const OptionalTensor& weight,
                                           const OptionalTensor& bias, bool training, double,
                                           double) {
  return batch_norm(input, weight, bias, {}, {}, training);
}

using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>;

Four with_reserve(const Three& three) {
  const auto& [out, mean, spread] = three;
  return {out, mean, spread, fresh({0}, at::kByte)};
}

Four batch_norm_with_update(const Tensor& input, const OptionalTensor& weight,
                            const OptionalTensor& bias, const Tensor& mean, const Tensor& variance,
                            double, double) {
  return with_reserve(batch_norm(input, weight, bias, mean, variance, true));
}

Four batch_norm_without_update(const Tensor& input, const OptionalTensor& weight,
                               const OptionalTensor& bias, const OptionalTensor& mean,
                               const OptionalTensor& variance, double, double) {
  return with_reserve(batch_norm(input, weight, bias, mean, variance, false));
}

Three native_batch_norm_backward(const Tensor&, const Tensor& input, const OptionalTensor& weight,
                                 const OptionalTensor& mean, const OptionalTensor& variance,
                                 const OptionalTensor& saved_mean, const OptionalTensor&, bool,
                                 double, Mask mask) {
  const auto type = statistics_type(input, {&weight, &mean, &variance, &saved_mean});
  const int64_t channels = input.size(1);
  return {mask[0] ? in_format(input) : Tensor(), mask[1] ? fresh({channels}, type) : Tensor(),
          mask[2] ? fresh({channels}, type) : Tensor()};
}

std::tuple<Tensor, Tensor> rms_norm_backward(const Tensor&, const Tensor& input, IntArrayRef,
                                             const Tensor&, const OptionalTensor& weight,
                                             std::array<bool, 2> mask) {
  return {mask[0] ? like(input) : Tensor(), gradient_of(weight, mask[1])};
}

const Row kRows[] = {
    ours<op::native_layer_norm>(native_layer_norm),
    ours<op::native_layer_norm_backward>(native_layer_norm_backward),
    ours<op::native_group_norm>(native_group_norm),
    ours<op::native_group_norm_backward>(native_group_norm_backward),
    ours<op::native_batch_norm>(native_batch_norm),
    ours<op::_native_batch_norm_legit>(native_batch_norm_legit),
    ours<op::_native_batch_norm_legit_no_stats>(native_batch_norm_without_statistics),
    ours<op::_batch_norm_with_update>(batch_norm_with_update),
    ours<op::_batch_norm_no_update>(batch_norm_without_update),
    ours<op::native_batch_norm_backward>(native_batch_norm_backward),
    ours<op::_fused_rms_norm_backward>(rms_norm_backward),
};

}  // namespace

std::span<const Row> norm_rows() { return kRows; }

}  // namespace moai::front::shape
