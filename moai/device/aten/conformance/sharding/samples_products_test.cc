#include "moai/device/aten/conformance/sharding/samples_testing.h"

namespace moai::device::sharding {

std::vector<SampleText> product_samples() {
  return {
      {"aten::mm(f64[4,5], f64[5,6]) -> f64[4,6]"},
      {"aten::mm.out(f64[4,5], f64[5,6], f64[4,6]!) -> _"},
      {"aten::mm.dtype(bf16[4,5], bf16[5,6], 6) -> f32[4,6]"},
      {"aten::bmm(f64[3,4,5], f64[3,5,6]) -> f64[3,4,6]"},
      {"aten::_cdist_forward(f64[3,4,5], f64[3,6,5], word, none) -> f64[3,4,6]", {2}},
      {"aten::_cdist_backward(f64[3,4,6], f64[3,4,5], f64[3,6,5], word, f64[3,4,6]) -> f64[3,4,5]",
       {2}},
      {"aten::mv(f64[4,5], f64[5]) -> f64[4]"},
      {"aten::dot(f64[5], f64[5]) -> f64[]"},
      {"aten::vdot(c128[5], c128[5]) -> c128[]"},
      {"aten::addmm(f64[6], f64[4,5], f64[5,6], word, word) -> f64[4,6]"},
      {"aten::addmm(f64[4,6], f64[4,5], f64[5,6], word, word) -> f64[4,6]", {2, 3}},
      {"aten::addmm_(f64[4,6]!, f64[4,5], f64[5,6], intword, intword) -> _"},
      {"aten::_addmm_activation(f64[6], f64[4,5], f64[5,6], intword, intword, false) -> f64[4,6]"},
      {"aten::addmv(f64[4], f64[4,5], f64[5], word, word) -> f64[4]"},
      {"aten::addr(f64[4,5], f64[4], f64[5], word, word) -> f64[4,5]"},
      {"aten::ger(f64[4], f64[5]) -> f64[4,5]"},
      {"aten::baddbmm(f64[3,4,6], f64[3,4,5], f64[3,5,6], word, word) -> f64[3,4,6]"},
      {"aten::baddbmm(f64[6], f64[3,4,5], f64[3,5,6], word, word) -> f64[3,4,6]"},
      {"aten::addbmm(f64[4,6], f64[3,4,5], f64[3,5,6], word, word) -> f64[4,6]"},
      {"aten::linear(f64[3,4,5], f64[6,5], none) -> f64[3,4,6]"},
      {"aten::linear(f64[4,5], f64[6,5], f64[6]) -> f64[4,6]"},
      // mixtures of experts: rows are dealt out to matrices by where they end
      {"aten::_grouped_mm(f32[6,12], f32[3,12,24], i32[3], none, none) -> f32[6,24]",
       {},
       false,
       {1, 4, 6}},
      {"aten::_grouped_mm(f32[12,8], f32[8,24], i32[3], none, none) -> f32[3,12,24]",
       {},
       false,
       {2, 5, 8}},
      {"aten::_grouped_mm(f32[3,12,24], f32[24,4], i32[3], none, none) -> f32[12,4]",
       {},
       false,
       {1, 3, 4}},
      {"aten::_grouped_mm(f32[3,12,24], f32[3,24,12], none, none, none) -> f32[3,12,12]"},
  };
}

std::vector<SampleText> attention_samples() {
  return {
      {"aten::_scaled_dot_product_flash_attention(f32[3,4,5,8], f32[3,4,6,8], f32[3,4,6,8], word, "
       "false, false, none) -> f32[3,4,5,8], f32[3,4,5], undefined, undefined, _, _, u64[2]?, "
       "u64[]?, f32[0]?",
       {0}},
      {"aten::_scaled_dot_product_flash_attention(f32[3,4,6,8], f32[3,4,6,8], f32[3,4,6,8], word, "
       "true, false, none) -> f32[3,4,6,8], f32[3,4,6], undefined, undefined, _, _, u64[2]?, "
       "u64[]?, f32[0]?",
       {0}},
      {"aten::_scaled_dot_product_flash_attention_backward(f32[3,4,5,8], f32[3,4,5,8], "
       "f32[3,4,6,8], f32[3,4,6,8], f32[3,4,5,8], f32[3,4,5], undefined, undefined, 5, 6, word, "
       "false, i64[], i64[], none) -> f32[3,4,5,8], f32[3,4,6,8], f32[3,4,6,8]",
       {0}},
      {"aten::_scaled_dot_product_flash_attention_backward(f32[3,4,6,8], f32[3,4,6,8], "
       "f32[3,4,6,8], f32[3,4,6,8], f32[3,4,6,8], f32[3,4,6], undefined, undefined, 6, 6, word, "
       "true, i64[], i64[], none) -> f32[3,4,6,8], f32[3,4,6,8], f32[3,4,6,8]",
       {0}},
      {"aten::_scaled_dot_product_efficient_attention(f32[3,4,5,8], f32[3,4,6,8], f32[3,4,6,8], "
       "f32[5,6], true, word, false, none) -> f32[3,4,5,8], f32[3,4,5]?, i64[]?, i64[]?",
       {0}},
      {"aten::_scaled_dot_product_efficient_attention(f32[3,4,5,8], f32[3,4,6,8], f32[3,4,6,8], "
       "f32[3,1,5,6], true, word, false, none) -> f32[3,4,5,8], f32[3,4,5]?, i64[]?, i64[]?",
       {0}},
      {"aten::_scaled_dot_product_efficient_attention_backward(f32[3,4,5,8], f32[3,4,5,8], "
       "f32[3,4,6,8], f32[3,4,6,8], f32[1,4,5,6], f32[3,4,5,8], f32[3,4,5], i64[], i64[], word, "
       "bools[true,true,true,false], false, none) -> f32[3,4,5,8], f32[3,4,6,8], f32[3,4,6,8], "
       "undefined",
       {0}},
      {"aten::_scaled_dot_product_flash_attention_for_cpu(f32[3,4,5,8], f32[3,4,6,8], "
       "f32[3,4,6,8], word, false, f32[5,6], none) -> f32[3,4,5,8], f32[3,4,5]",
       {0}},
      {"aten::_scaled_dot_product_flash_attention_for_cpu_backward(f32[3,4,5,8], f32[3,4,5,8], "
       "f32[3,4,6,8], f32[3,4,6,8], f32[3,4,5,8], f32[3,4,5], word, false, none, none) -> "
       "f32[3,4,5,8], f32[3,4,6,8], f32[3,4,6,8]",
       {0}},
  };
}

}  // namespace moai::device::sharding
