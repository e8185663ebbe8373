#include "moai/ops/purity.h"

#include <algorithm>
#include <bit>
#include <string>

namespace moai::ops {
namespace {

// Sorted. Integer division, powers of integers and whatever looks up an index fail for values, some
// losses for their parameter.
constexpr std::string_view kTotal[] = {
    "aten::_log_softmax",
    "aten::_softmax",
    "aten::_to_copy",
    "aten::abs",
    "aten::acos",
    "aten::acosh",
    "aten::add",
    "aten::addcdiv",
    "aten::addcmul",
    "aten::addmm",
    "aten::all",
    "aten::amax",
    "aten::amin",
    "aten::any",
    "aten::argmax",
    "aten::argmin",
    "aten::asin",
    "aten::asinh",
    "aten::atan",
    "aten::atan2",
    "aten::atanh",
    "aten::baddbmm",
    "aten::bitwise_and",
    "aten::bitwise_not",
    "aten::bitwise_or",
    "aten::bitwise_xor",
    "aten::bmm",
    "aten::cat",
    "aten::ceil",
    "aten::clamp",
    "aten::clamp_max",
    "aten::clamp_min",
    "aten::clone",
    "aten::convolution",
    "aten::cos",
    "aten::cosh",
    "aten::cumsum",
    "aten::div.Scalar",
    "aten::div.Tensor",
    "aten::dot",
    "aten::elu",
    "aten::empty",
    "aten::empty_like",
    "aten::eq",
    "aten::erf",
    "aten::erfc",
    "aten::exp",
    "aten::exp2",
    "aten::expm1",
    "aten::floor",
    "aten::fmax",
    "aten::fmin",
    "aten::full",
    "aten::full_like",
    "aten::ge",
    "aten::gelu",
    "aten::gt",
    "aten::hardsigmoid",
    "aten::hardswish",
    "aten::hardtanh",
    "aten::isinf",
    "aten::isnan",
    "aten::le",
    "aten::leaky_relu",
    "aten::lerp",
    "aten::linalg_vector_norm",
    "aten::log",
    "aten::log10",
    "aten::log1p",
    "aten::log2",
    "aten::logical_and",
    "aten::logical_not",
    "aten::logical_or",
    "aten::logical_xor",
    "aten::lt",
    "aten::masked_fill",
    "aten::max",
    "aten::maximum",
    "aten::mean",
    "aten::min",
    "aten::minimum",
    "aten::mish",
    "aten::mm",
    "aten::mse_loss",
    "aten::mul",
    "aten::mv",
    "aten::native_group_norm",
    "aten::native_layer_norm",
    "aten::ne",
    "aten::neg",
    "aten::ones",
    "aten::ones_like",
    "aten::prod",
    "aten::reciprocal",
    "aten::relu",
    "aten::round",
    "aten::rsqrt",
    "aten::rsub",
    "aten::sigmoid",
    "aten::sign",
    "aten::silu",
    "aten::sin",
    "aten::sinh",
    "aten::softplus",
    "aten::sort",
    "aten::sqrt",
    "aten::stack",
    "aten::std",
    "aten::sub",
    "aten::sum",
    "aten::tan",
    "aten::tanh",
    "aten::topk",
    "aten::trunc",
    "aten::var",
    "aten::where",
    "aten::zeros",
    "aten::zeros_like",
};
static_assert(std::ranges::is_sorted(kTotal));

// Elementwise ones, of which every element is computed from those at its own place.
constexpr InPlaceRow kInPlace[] = {
    {"aten::abs"},
    {"aten::add"},
    {"aten::addcdiv"},
    {"aten::addcmul"},
    {"aten::ceil"},
    {"aten::clamp"},
    {"aten::clamp_max"},
    {"aten::clamp_min"},
    {"aten::cos"},
    {"aten::div"},
    {"aten::elu"},
    {"aten::elu_backward", "grad_input"},
    {"aten::erf"},
    {"aten::exp"},
    {"aten::floor"},
    {"aten::gelu"},
    {"aten::gelu_backward", "grad_input"},
    {"aten::hardtanh"},
    {"aten::hardtanh_backward", "grad_input"},
    {"aten::leaky_relu"},
    {"aten::leaky_relu_backward", "grad_input"},
    {"aten::lerp"},
    {"aten::log"},
    {"aten::masked_fill"},
    {"aten::mul"},
    {"aten::neg"},
    {"aten::reciprocal"},
    {"aten::relu"},
    {"aten::round"},
    {"aten::rsqrt"},
    {"aten::sigmoid"},
    {"aten::sigmoid_backward", "grad_input"},
    {"aten::silu"},
    {"aten::silu_backward", "grad_input"},
    {"aten::sin"},
    {"aten::sqrt"},
    {"aten::sub"},
    {"aten::tanh"},
    {"aten::tanh_backward", "grad_input"},
    {"aten::threshold_backward", "grad_input"},
};
static_assert(std::ranges::is_sorted(kInPlace, {}, &InPlaceRow::op));

const InPlaceRow* row_of(std::string_view op) {
  const auto found = std::ranges::lower_bound(kInPlace, op, {}, &InPlaceRow::op);
  return found != std::end(kInPlace) && found->op == op ? &*found : nullptr;
}

bool writes(const CallSignature& s) {
  const std::vector<bool> written = written_operands(s);
  return std::ranges::find(written, true) != written.end();
}

// Whether all of a storage of `g`'s own size is its elements, so that nothing beside them is lost.
bool fills_its_storage(const tensor::Geometry& g) {
  const int64_t bytes = tensor::storage_bytes(g);
  return g.offset == 0 && g.flags == 0 && bytes > 0 &&
         bytes == tensor::element_count(g) * static_cast<int64_t>(tensor::dtype_size(g.dtype));
}

}  // namespace

std::optional<WordKinds> if_total(const CallSignature& s) {
  const std::string full = s.op + "." + s.overload;
  if (!std::ranges::binary_search(kTotal, std::string_view(s.op)) &&
      !std::ranges::binary_search(kTotal, std::string_view(full))) {
    return std::nullopt;
  }
  if (writes(s)) return std::nullopt;
  WordKinds words;
  for (const Arg& arg : s.args) {
    if (arg.kind == ArgKind::kIntWord || arg.kind == ArgKind::kDoubleWord) {
      words.push_back(arg.kind == ArgKind::kIntWord);
    }
  }
  // Others are in lists, or are numbers of a tensor's type.
  return words.size() == arity(s).words ? std::optional(words) : std::nullopt;
}

bool is_harmless(uint64_t word, bool is_integer) {
  constexpr int kMost = 127;  // of int8
  if (is_integer) return word <= kMost;
  const auto value = std::bit_cast<double>(word);
  return value >= 0 && value <= kMost;
}

std::optional<InPlaceCall> in_place_form(const CallSignature& s) {
  const InPlaceRow* row = row_of(s.op);
  if (!row || s.args.empty() || s.results.size() != 1) return std::nullopt;
  const Arg& first = s.args[0];
  const Result& result = s.results[0];
  if (first.kind != ArgKind::kTensor || result.kind != ResultKind::kFresh) return std::nullopt;
  if (first.geometry != result.geometry || !fills_its_storage(first.geometry)) return std::nullopt;
  if (writes(s)) return std::nullopt;
  InPlaceCall call{.signature = s, .repeats_operand = !row->out_overload.empty()};
  call.signature.results = {Result{}};
  if (call.repeats_operand) {
    call.signature.overload = row->out_overload;
    call.signature.args.push_back(first);
    call.signature.args.back().written = true;
  } else {
    call.signature.op += "_";
    call.signature.args[0].written = true;
  }
  return call;
}

std::span<const InPlaceRow> all_in_place_rows() { return kInPlace; }

std::span<const std::string_view> all_total_operators() { return kTotal; }

}  // namespace moai::ops
