// Which implementation of scaled_dot_product_attention a call takes.
#pragma once

#include "moai/front/torch_headers.h"

namespace moai::front {

// An sdp::SDPBackend: a fused one where stock CPU torch takes its own and every kind of Worker has
// one (head dimensions in eights; not in float64, whose statistics differ by kind), else math.
int64_t choose_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                         const std::optional<at::Tensor>& mask, double dropout, bool is_causal,
                         std::optional<double> scale, bool grouped);

}  // namespace moai::front
