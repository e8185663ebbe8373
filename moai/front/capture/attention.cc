#include "moai/front/capture/attention.h"

#include <ATen/Context.h>
#include <ATen/native/transformers/sdp_utils_cpp.h>

#include "moai/front/device/device_type.h"

namespace moai::front {
namespace {

using at::Tensor;

bool one_or(int64_t size, int64_t full) { return size == 1 || size == full; }

bool operands_fit(const Tensor& q, const Tensor& k, const Tensor& v) {
  if (q.dim() != 4 || k.dim() != 4 || v.dim() != 4 || q.scalar_type() == at::kDouble) return false;
  const int64_t batch = q.size(0), heads = q.size(1), width = q.size(3);
  for (const Tensor& t : {k, v}) {
    if (t.size(0) != batch || t.size(1) != heads || t.size(3) != width) return false;
  }
  for (const Tensor& t : {q, k, v}) {
    if (t.size(2) == 0 || t.stride(3) != 1) return false;
  }
  return width % 8 == 0;
}

// [tokens of q, tokens of k], or with batch and heads before; each may be 1.
bool mask_fits(const Tensor& mask, const Tensor& q, const Tensor& k) {
  const int64_t dim = mask.dim();
  if (mask.requires_grad() || (dim != 2 && dim != 4) || mask.stride(-1) != 1) return false;
  if (!one_or(mask.size(-2), q.size(2)) || !one_or(mask.size(-1), k.size(2))) return false;
  return dim == 2 || (one_or(mask.size(0), q.size(0)) && one_or(mask.size(1), q.size(1)));
}

}  // namespace

int64_t choose_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                         const std::optional<Tensor>& mask, double dropout, bool,
                         std::optional<double>, bool grouped) {
  using sdp::SDPBackend;
  const at::Context& context = at::globalContext();
  auto chosen = SDPBackend::math;
  if (dropout == 0.0 && !grouped && operands_fit(q, k, v)) {
    if (!mask && context.userEnabledFlashSDP()) {
      chosen = device_type() == at::kCUDA ? SDPBackend::flash_attention : SDPBackend::overrideable;
    } else if (context.userEnabledMemEfficientSDP() && (!mask || mask_fits(*mask, q, k))) {
      chosen = SDPBackend::efficient_attention;
    }
  }
  return static_cast<int64_t>(chosen);
}

}  // namespace moai::front
