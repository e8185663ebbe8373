#include "moai/device/aten/conformance/sharding/samples_testing.h"

namespace moai::device::sharding {

std::vector<SampleText> layout_samples() {
  return {
      {"aten::cat((f64[4,3], f64[4,3]), 1) -> f64[4,6]"},
      {"aten::cat((f64[4,9], f64[4,6], f64[4,3]), -1) -> f64[4,18]"},
      {"aten::cat((f64[4,4], f64[4,6]), 1) -> f64[4,10]"},
      {"aten::cat((f64[0], f64[4,3], f64[4,0]), 1) -> f64[4,3]"},
      {"aten::stack((f64[4,3], f64[4,3]), 1) -> f64[4,2,3]"},
      {"aten::stack((f64[4,3], f64[4,3]), -1) -> f64[4,3,2]"},
      {"aten::flip(f64[4,3,5], [1]) -> f64[4,3,5]"},
      {"aten::roll(f64[4,3,5], [1], [1]) -> f64[4,3,5]"},
      {"aten::roll(f64[4,3], [1], []) -> f64[4,3]"},
      {"aten::tril(f64[4,3,5], 0) -> f64[4,3,5]"},
      {"aten::triu(f64[4,3,5], 1) -> f64[4,3,5]"},
      {"aten::repeat(f64[4,3], [5,1,3]) -> f64[5,4,9]"},
      {"aten::repeat(f64[4,1], [1,3]) -> f64[4,3]"},
      {"aten::slice_backward(f64[4,2,5], [4,3,5], 1, 1, 3, 1) -> f64[4,3,5]"},
      {"aten::select_backward(f64[4,5], [4,3,5], 1, 2) -> f64[4,3,5]"},
      {"aten::unfold_backward(f64[4,4,5,3], [4,6,5], 1, 3, 1) -> f64[4,6,5]"},
      {"aten::slice_scatter(f64[4,3,5], f64[4,2,5], 1, 1, 3, 1) -> f64[4,3,5]"},
      {"aten::select_scatter(f64[4,3,5], f64[4,5], 1, 2) -> f64[4,3,5]"},
      {"aten::constant_pad_nd(f64[4,3,5], [0,0,1,2], word) -> f64[4,6,5]", {0}},
      {"aten::constant_pad_nd(f64[4,3,5], [1,-1], word) -> f64[4,3,5]", {3}},
      // of nothing
      {"aten::arange.start_step(0, 5, 1, 7, none, device, false) -> f64[5]"},
      {"aten::arange.start_out(0, 5, 1, f64[5]!) -> _"},
      {"aten::linspace(0, 5, 6, 7, none, device, false) -> f64[6]"},
      {"aten::eye(4, 7, none, device, false) -> f64[4,4]"},
      {"aten::randperm(5, 4, none, device, false, generator) -> i64[5]"},
      {"aten::empty.memory_format([4,3], 7, none, device, false, none) -> f64[4,3]"},
      {"aten::full([4,1,3], word, 7, none, device, false) -> f64[4,1,3]"},
      {"aten::normal.float_float(word, word, [4,3], generator, 7, none, device, false) -> "
       "f64[4,3]"},
      {"aten::ones([4,3], 7, none, device, false) -> f64[4,3]"},
      {"aten::tril_indices(3, 3, 0, 4, none, device, false) -> i64[2,6]"},
      {"aten::triu_indices(3, 3, 0, 4, none, device, false) -> i64[2,6]"},
      {"aten::zeros([4,3], 7, none, device, false) -> f64[4,3]"},
      {"aten::new_empty(f64[2,2], [4,3], none, none, device, false) -> f64[4,3]"},
      {"aten::new_full(f64[2,2], [4,3], word, none, none, device, false) -> f64[4,3]"},
      {"aten::new_ones(f64[2,2], [4,3], none, none, device, false) -> f64[4,3]"},
      {"aten::new_zeros(f64[2,2], [4,3], none, none, device, false) -> f64[4,3]"},
      {"aten::rand([4,3], 7, none, device, false, generator) -> f64[4,3]"},
      {"aten::randn([4,3], 7, none, device, false, generator) -> f64[4,3]"},
      {"aten::randint(9, [4,3], 4, none, device, false, generator) -> i64[4,3]"},
      {"aten::randint.low(2, 9, [4,3], 4, none, device, false, generator) -> i64[4,3]"},
      {"aten::randint.low_generator(2, 9, [4,3], generator, 4, none, device, false) -> i64[4,3]"},
      {"aten::randint.low_generator_out(2, 9, [4,3], generator, i64[4,3]!) -> _"},
      {"aten::randint.low_out(2, 9, [4,3], i64[4,3]!, generator) -> _"},
      {"aten::scalar_tensor(word, 7, none, device, false) -> f64[]"},
  };
}

}  // namespace moai::device::sharding
