#include "moai/device/aten/call/threads.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace moai::device {
namespace {

constexpr int64_t kProductsMax = 1 << 20;  // multiplications that one thread does in about 15 us
constexpr int64_t kElementsMax = 32768;    // the library's own grain

constexpr std::string_view kProducts[] = {"aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"};
constexpr std::string_view kByRow[] = {"aten::_log_softmax", "aten::_log_softmax_backward_data",
                                       "aten::_softmax", "aten::_softmax_backward_data"};

template <typename Names>
bool among(const Names& names, const ops::CallSignature& s) {
  return s.overload.empty() &&
         std::find(std::begin(names), std::end(names), s.op) != std::end(names);
}

// The elements of a result, each a sum over the last dimension but one of the second factor.
int64_t multiplications(const ops::CallSignature& s) {
  if (s.results.size() != 1) return kProductsMax;
  const ops::Arg* factor = nullptr;
  for (const ops::Arg& arg : s.args) {
    if (arg.kind == ops::ArgKind::kTensor) factor = &arg;
  }
  const auto& sizes = factor ? factor->geometry.sizes : s.results[0].geometry.sizes;
  if (sizes.size() < 2) return kProductsMax;
  return tensor::element_count(s.results[0].geometry) * sizes[sizes.size() - 2];
}

int64_t elements(const ops::CallSignature& s) {
  int64_t most = 0;
  for (const ops::Arg& arg : s.args) {
    if (arg.kind == ops::ArgKind::kTensor) {
      most = std::max(most, tensor::element_count(arg.geometry));
    }
  }
  return most;
}

int g_device_threads = 1;
thread_local int t_used = 0;

}  // namespace

ThreadRule thread_rule(const ops::CallSignature& s) {
  if (among(kProducts, s) && multiplications(s) < kProductsMax) return ThreadRule::kTrial;
  if (among(kByRow, s) && elements(s) < kElementsMax) return ThreadRule::kOne;
  return ThreadRule::kAll;
}

void set_device_threads(int count) {
  g_device_threads = count;
  use_threads(count);
}

int device_threads() { return g_device_threads; }

void use_threads(int count) {
  if (t_used == count) return;
  at::set_num_threads(count);
  t_used = count;
}

}  // namespace moai::device
