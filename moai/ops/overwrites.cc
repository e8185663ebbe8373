#include "moai/ops/overwrites.h"

#include <algorithm>
#include <string_view>

#include "moai/ops/call_tensors.h"

namespace moai::ops {
namespace {

// Operators that fill their first operand whatever it held.
constexpr std::string_view kFilling[] = {
    "aten::copy_",    "aten::fill_",        "aten::zero_",      "aten::normal_",
    "aten::uniform_", "aten::exponential_", "aten::random_",    "aten::bernoulli_",
    "aten::cauchy_",  "aten::log_normal_",  "aten::geometric_",
};

bool is_out(std::string_view overload) { return overload == "out" || overload.ends_with("_out"); }

bool is_dense_from_start(const tensor::Geometry& g) {
  return g.offset == 0 && tensor::is_contiguous(g);
}

// Calls `see` with every tensor argument and whether the call fills it.
template <class See>
void each_operand(const CallSignature& s, const See& see) {
  const bool filling = std::ranges::find(kFilling, s.op) != std::end(kFilling);
  const bool out = is_out(s.overload);
  for (size_t i = 0; i < s.args.size(); ++i) {
    const bool fills = out || (filling && i == 0);
    each_tensor(s.args[i], [&](const Arg& arg) { see(arg, fills && arg.written); });
  }
}

}  // namespace

std::vector<bool> filled_operands(const CallSignature& signature) {
  std::vector<bool> filled;
  each_operand(signature, [&](const Arg&, bool fills) { filled.push_back(fills); });
  return filled;
}

std::vector<uint64_t> overwritten_bytes(const CallSignature& signature) {
  std::vector<uint64_t> bytes;
  each_operand(signature, [&](const Arg& arg, bool fills) {
    const bool whole = fills && is_dense_from_start(arg.geometry);
    bytes.push_back(whole ? static_cast<uint64_t>(tensor::storage_bytes(arg.geometry)) : 0);
  });
  return bytes;
}

}  // namespace moai::ops
