// The drawing operators as functions: the operator's schema without its generator, after the stream
// to draw from. `drawing.cc` binds them to names.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <tuple>
#include <vector>

#include "moai/device/aten/random/philox.h"

namespace moai::device {

using at::Tensor;

// Stands in a signature for the schema's generator.
struct NoGenerator {};

// continuous.cc
Tensor uniform_(PhiloxStream, Tensor self, double from, double to, NoGenerator);
Tensor exponential_(PhiloxStream, Tensor self, double lambd, NoGenerator);
Tensor cauchy_(PhiloxStream, Tensor self, double median, double sigma, NoGenerator);
Tensor log_normal_(PhiloxStream, Tensor self, double mean, double std, NoGenerator);
Tensor geometric_(PhiloxStream, Tensor self, double p, NoGenerator);

// normal.cc
Tensor normal_(PhiloxStream, Tensor self, double mean, double std, NoGenerator);
Tensor normal_tensor_float(PhiloxStream, Tensor mean, double std, NoGenerator);
Tensor normal_float_tensor(PhiloxStream, double mean, Tensor std, NoGenerator);
Tensor normal_tensor_tensor(PhiloxStream, Tensor mean, Tensor std, NoGenerator);
Tensor normal_tensor_float_out(PhiloxStream, Tensor mean, double std, NoGenerator, Tensor out);
Tensor normal_float_tensor_out(PhiloxStream, double mean, Tensor std, NoGenerator, Tensor out);
Tensor normal_tensor_tensor_out(PhiloxStream, Tensor mean, Tensor std, NoGenerator, Tensor out);

// discrete.cc
Tensor random_(PhiloxStream, Tensor self, NoGenerator);
Tensor random_to(PhiloxStream, Tensor self, int64_t to, NoGenerator);
Tensor random_from(PhiloxStream, Tensor self, int64_t from, std::optional<int64_t> to, NoGenerator);
Tensor bernoulli(PhiloxStream, Tensor self, NoGenerator);
Tensor bernoulli_p(PhiloxStream, Tensor self, double p, NoGenerator);
Tensor bernoulli_out(PhiloxStream, Tensor self, NoGenerator, Tensor out);
Tensor bernoulli_float_(PhiloxStream, Tensor self, double p, NoGenerator);
Tensor bernoulli_tensor_(PhiloxStream, Tensor self, Tensor p, NoGenerator);

// selection.cc
Tensor randperm_out(PhiloxStream, int64_t n, Tensor out);
Tensor randperm_generator_out(PhiloxStream, int64_t n, NoGenerator, Tensor out);
Tensor multinomial(PhiloxStream, Tensor self, int64_t num_samples, bool replacement, NoGenerator);
Tensor multinomial_out(PhiloxStream, Tensor self, int64_t num_samples, bool replacement,
                       NoGenerator, Tensor out);

// counts.cc
Tensor poisson(PhiloxStream, Tensor self, NoGenerator);
Tensor binomial(PhiloxStream, Tensor count, Tensor prob, NoGenerator);

// gamma.cc
Tensor standard_gamma(PhiloxStream, Tensor self, NoGenerator);
Tensor sample_dirichlet(PhiloxStream, Tensor self, NoGenerator);

// activation.cc: each also returns what its backward needs.
std::tuple<Tensor, Tensor> native_dropout(PhiloxStream, Tensor input, double p,
                                          std::optional<bool> train);
std::tuple<Tensor, Tensor> fused_dropout(PhiloxStream, Tensor self, double keep, NoGenerator);
Tensor rrelu_with_noise(PhiloxStream, Tensor self, Tensor noise, at::Scalar lower, at::Scalar upper,
                        bool training, NoGenerator);
Tensor rrelu_with_noise_(PhiloxStream, Tensor self, Tensor noise, at::Scalar lower,
                         at::Scalar upper, bool training, NoGenerator);
Tensor rrelu_with_noise_out(PhiloxStream, Tensor self, Tensor noise, at::Scalar lower,
                            at::Scalar upper, bool training, NoGenerator, Tensor out);
std::tuple<Tensor, Tensor> rrelu_with_noise_functional(PhiloxStream, Tensor self, Tensor noise,
                                                       at::Scalar lower, at::Scalar upper,
                                                       bool training, NoGenerator);

}  // namespace moai::device
