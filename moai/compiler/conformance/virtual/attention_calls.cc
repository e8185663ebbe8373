#include "moai/compiler/conformance/virtual/attention_calls.h"

#include <initializer_list>

namespace moai::compiler {
namespace {

struct Attention {
  int batch, heads, length, width;
  bool causal;
};

constexpr Attention kAttentions[] = {
    {2, 2, 16, 8, true},    {4, 2, 32, 16, true},   {8, 4, 32, 16, true},   {4, 4, 64, 32, true},
    {4, 8, 64, 32, true},   {2, 8, 128, 32, true},  {8, 8, 64, 64, true},   {2, 4, 128, 64, true},
    {1, 12, 128, 64, true}, {1, 8, 256, 64, true},  {4, 4, 64, 32, false},  {8, 4, 32, 16, false},
    {2, 8, 128, 64, false}, {16, 8, 16, 32, false}, {1, 16, 64, 128, true}, {1, 4, 512, 32, true}};

std::string numbers(std::initializer_list<int> values) {
  std::string out;
  for (const int v : values) out += (out.empty() ? "" : ",") + std::to_string(v);
  return out;
}

void add(const Attention& a, std::vector<std::string>* calls) {
  const int row = a.heads * a.width;
  const std::string sizes = "f32[" + numbers({a.batch, a.heads, a.length, a.width}) + "]";
  const std::string part = sizes + "{" + numbers({3 * row * a.length, a.width, 3 * row, 1}) + "}";
  const std::string out = sizes + "{" + numbers({row * a.length, a.width, row, 1}) + "}";
  const std::string sums = "f32[" + numbers({a.batch, a.heads, a.length}) + "]{" +
                           numbers({a.length * a.heads, 1, a.heads}) + "}";
  const std::string causal = a.causal ? "true" : "false", length = std::to_string(a.length);
  const std::string operands = part + " s1, " + part + "+" + std::to_string(row) + " s1, " + part +
                               "+" + std::to_string(2 * row) + " s1, ";
  calls->push_back("s3, s4, s5, s6, s0 = aten::_scaled_dot_product_flash_attention(" + operands +
                   "word 0.0, " + causal + ", false, word 0.125) -> " + out + ", " + sums +
                   "?, undefined?, undefined?, _, _, u64[2]?, u64[]?, f32[0]?");
  calls->push_back("s7, s8, s9 = aten::_scaled_dot_product_flash_attention_backward(" + out +
                   " s2, " + operands + out + " s3, " + sums + " s4, undefined, undefined, " +
                   length + ", " + length + ", word 0.0, " + causal +
                   ", u64[2] s5, u64[] s6, word 0.125) -> " + out + ", " + out + ", " + out);
}

}  // namespace

std::vector<std::string> attention_calls() {
  std::vector<std::string> calls;
  for (const Attention& a : kAttentions) add(a, &calls);
  return calls;
}

}  // namespace moai::compiler
