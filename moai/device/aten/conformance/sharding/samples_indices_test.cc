#include "moai/device/aten/conformance/sharding/samples_testing.h"

namespace moai::device::sharding {

std::vector<SampleText> index_samples() {
  return {
      {"aten::embedding(f64[3,4], i64[5,6], -1, false, false) -> f64[5,6,4]"},
      {"aten::embedding_dense_backward(f64[5,6,4], i64[5,6], 3, -1, false) -> f64[3,4]"},
      {"aten::embedding_dense_backward(f64[5,6,4], i64[5,6], 3, 1, false) -> f64[3,4]"},
      {"aten::embedding_dense_backward(f64[5,4], i64[5], 3, -1, true) -> f64[3,4]"},
      {"aten::embedding_renorm_(f64[3,4]!, i64[5], word, word) -> _", {0.5, 2}},
      {"aten::gather(f64[4,3,5], 1, i64[4,6,5], false) -> f64[4,6,5]"},
      {"aten::gather(f64[4,3,5], 1, i64[3,6,5], false) -> f64[3,6,5]"},
      {"aten::index_select(f64[4,3,5], 1, i64[6]) -> f64[4,6,5]"},
      {"aten::scatter.src(f64[4,3,5], 1, i64[4,6,5], f64[4,6,5]) -> f64[4,3,5]"},
      {"aten::scatter.src(f64[4,3], 1, i64[4,5], f64[6,7]) -> f64[4,3]"},
      {"aten::scatter_.value(f64[4,3]!, 1, i64[4,5], word) -> _"},
      {"aten::scatter.reduce(f64[4,3], 1, i64[4,5], f64[4,5], \"multiply\") -> f64[4,3]"},
      {"aten::scatter_add(f64[4,3], -1, i64[4,5], f64[4,5]) -> f64[4,3]"},
      {"aten::scatter_reduce.two(f64[4,3], 1, i64[4,5], f64[4,5], \"amax\", true) -> f64[4,3]"},
      {"aten::index_add(f64[4,3,5], 1, i64[6], f64[4,6,5], word) -> f64[4,3,5]"},
      {"aten::index_copy(f64[4,3,5], 1, i64[3], f64[4,3,5]) -> f64[4,3,5]"},
      {"aten::index_fill.int_Scalar(f64[4,3,5], 1, i64[3], word) -> f64[4,3,5]"},
      {"aten::index.Tensor(f64[3,4], (i64[5,6])) -> f64[5,6,4]"},
      {"aten::index.Tensor(f64[4,3,5], (none, i64[6])) -> f64[4,6,5]"},
      {"aten::index.Tensor(f64[3,4,3], (i64[5], none, i64[5])) -> f64[5,4]"},
      {"aten::index.Tensor(f64[4,3,3], (none, i64[5,1], i64[6])) -> f64[4,5,6]"},
      {"aten::_unsafe_index.Tensor(f64[3,4], (i64[5])) -> f64[5,4]"},
      {"aten::index_put(f64[3,4], (i64[5]), f64[5,4], true) -> f64[3,4]"},
      {"aten::index_put_(f64[4,3,5]!, (none, i64[3]), f64[5], false) -> _"},
      {"aten::index_put(f64[3,3,4], (i64[5], i64[5]), f64[4], true) -> f64[3,3,4]"},
      {"aten::index_put_(f64[4,5,3]!, (bool[4,5]), f64[], false) -> _"},
      {"aten::_index_put_impl_(f64[4,5]!, (bool[4,5]), f64[1], false, false) -> _"},
      {"aten::_unsafe_index_put(f64[3,4], (i64[5]), f64[5,4], true) -> f64[3,4]"},
      {"aten::take(f64[3,4], i64[5]) -> f64[5]"},
      {"aten::searchsorted.Tensor(f64[5], f64[4,3], false, false, none, none) -> i64[4,3]"},
      {"aten::searchsorted.Tensor(f64[4,5], f64[4,3], false, false, none, none) -> i64[4,3]"},
      {"aten::bucketize.Tensor(f64[4,3], f64[5], false, false) -> i64[4,3]"},
      {"aten::isin.Tensor_Tensor(i64[4,3], i64[5], false, false) -> bool[4,3]"},
      {"aten::isin.Tensor_Tensor(i64[4,3], i64[5], false, true) -> bool[4,3]"},
  };
}

}  // namespace moai::device::sharding
