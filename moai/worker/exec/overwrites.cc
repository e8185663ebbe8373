#include "moai/worker/exec/overwrites.h"

#include <algorithm>
#include <string_view>

namespace moai::worker {
namespace {

// Operators that fill their first operand whatever it held.
constexpr std::string_view kFilling[] = {
    "aten::copy_",    "aten::fill_",        "aten::zero_",      "aten::normal_",
    "aten::uniform_", "aten::exponential_", "aten::random_",    "aten::bernoulli_",
    "aten::cauchy_",  "aten::log_normal_",  "aten::geometric_",
};

bool is_out(std::string_view overload) { return overload == "out" || overload.ends_with("_out"); }

bool is_dense_from_start(tensor::Geometry g) { return g.offset == 0 && tensor::is_contiguous(g); }

void collect(const ops::Arg& arg, bool fills, std::vector<uint64_t>* out) {
  if (arg.kind == ops::ArgKind::kTensor) {
    const bool whole = fills && arg.written && is_dense_from_start(arg.geometry);
    out->push_back(whole ? static_cast<uint64_t>(tensor::storage_bytes(arg.geometry)) : 0);
  }
  for (const ops::Arg& item : arg.items) collect(item, fills, out);
}

}  // namespace

std::vector<uint64_t> overwritten_bytes(const ops::CallSignature& signature) {
  const bool filling = std::ranges::find(kFilling, signature.op) != std::end(kFilling);
  const bool out = is_out(signature.overload);
  std::vector<uint64_t> bytes;
  for (size_t i = 0; i < signature.args.size(); ++i) {
    collect(signature.args[i], out || (filling && i == 0), &bytes);
  }
  return bytes;
}

}  // namespace moai::worker
