#include "moai/ops/sharding/rule_text.h"

#include <string_view>

namespace moai::ops {
namespace {

constexpr std::string_view kSigns = "+><&|*#";  // of Reduction

std::string letter(FactorIndex f) {
  std::string name(1, static_cast<char>('a' + f % 26));
  if (f >= 26) name += std::to_string(f / 26);
  return name;
}

std::string letters(const std::vector<FactorIndex>& factors) {
  std::string text;
  for (const FactorIndex f : factors) text += (text.empty() ? "" : " ") + letter(f);
  return text;
}

std::string text_of(const FactorDims& dims) {
  std::string text;
  for (const auto& dim : dims) {
    if (!text.empty()) text += ' ';
    if (dim.empty()) text += '1';
    if (dim.size() == 1) text += letter(dim[0]);
    if (dim.size() > 1) text += "(" + letters(dim) + ")";
  }
  return dims.empty() ? "." : text;
}

std::string text_of(const std::vector<FactorDims>& tensors) {
  std::string text;
  for (const FactorDims& dims : tensors) text += (text.empty() ? "" : ", ") + text_of(dims);
  return text;
}

std::string text_of(FactorIndex f, const RuleFactor& factor) {
  std::string text = letter(f) + "=" + std::to_string(factor.size);
  if (factor.kind == FactorKind::kReduced) text += kSigns[static_cast<size_t>(factor.reduction)];
  if (factor.kind == FactorKind::kFrozen) text += '!';
  if (factor.kind == FactorKind::kIndexed) text += '@';
  return text;
}

std::string text_of(const LinearOperands& linear) {
  std::string text = " ";
  text += kSigns[static_cast<size_t>(linear.reduction)];
  for (size_t i = 0; i < linear.operands.size(); ++i) {
    text += (i ? "," : "") + std::to_string(linear.operands[i]);
  }
  return text;
}

}  // namespace

std::string to_string(const ShardingRule& rule) {
  std::string text = text_of(rule.operands) + " -> " + text_of(rule.results);
  std::string partial, linear, accumulating, sizes, words, factors;
  for (size_t f = 0; f < rule.factors.size(); ++f) {
    factors += " " + text_of(static_cast<FactorIndex>(f), rule.factors[f]);
  }
  for (size_t r = 0; r < rule.partial.size(); ++r) {
    if (!rule.partial[r].empty())
      partial += " " + std::to_string(r) + ":" + letters(rule.partial[r]);
  }
  for (const LinearOperands& operands : rule.linear) linear += text_of(operands);
  for (const AccumulatingOperand& a : rule.accumulating) {
    accumulating += std::string(" ") + kSigns[static_cast<size_t>(a.reduction)];
    accumulating += std::to_string(a.operand);
  }
  for (const SizeArgument& size : rule.sizes) {
    sizes += " " + std::to_string(size.argument);
    if (size.item >= 0) sizes += "." + std::to_string(size.item);
    sizes += "=" + letters(size.factors);
  }
  for (const uint32_t word : rule.assumed_words) words += " " + std::to_string(word);
  if (!factors.empty()) text += ";" + factors;
  if (!partial.empty()) text += "; partial" + partial;
  if (!linear.empty()) text += "; linear" + linear;
  if (!accumulating.empty()) text += "; into" + accumulating;
  if (!sizes.empty()) text += "; size" + sizes;
  if (!words.empty()) text += "; word" + words;
  return text;
}

}  // namespace moai::ops
