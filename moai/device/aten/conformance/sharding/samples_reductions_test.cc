#include "moai/device/aten/conformance/sharding/samples_testing.h"

#include <limits>

namespace moai::device::sharding {

std::vector<SampleText> reduction_samples() {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return {
      {"aten::sum(f64[4,3], none) -> f64[]"},
      {"aten::sum(i64[4,3], none) -> i64[]"},
      {"aten::sum.dim_IntList(f64[4,3,5], [0,-1], true, none) -> f64[1,3,1]"},
      {"aten::sum.dim_IntList(f64[4,3,5], [1], false, none) -> f64[4,5]"},
      {"aten::sum.IntList_out(f64[4,3,5], [1], false, none, f64[4,5]!) -> _"},
      {"aten::nansum(f64[4,3], [1], false, none) -> f64[4]"},
      {"aten::mean(f64[4,3], none) -> f64[]"},
      {"aten::mean.dim(f64[4,3,5], [1], true, none) -> f64[4,1,5]"},
      {"aten::amax(f64[4,3,5], [1], false) -> f64[4,5]"},
      {"aten::amin(f64[4,3,5], [], false) -> f64[]"},
      {"aten::max(f64[4,3]) -> f64[]"},
      {"aten::min(f64[4,3]) -> f64[]"},
      {"aten::max.dim(f64[4,3], 1, false) -> f64[4], i64[4]"},
      {"aten::max.dim_max(f64[4,3], 1, false, f64[4]!, i64[4]!) -> _, _"},
      {"aten::min.dim(f64[4,3], 1, true) -> f64[4,1], i64[4,1]"},
      {"aten::min.dim_min(f64[4,3], 1, false, f64[4]!, i64[4]!) -> _, _"},
      {"aten::all(bool[4,3]) -> bool[]"},
      {"aten::all.dim(bool[4,3], 1, false) -> bool[4]"},
      {"aten::all.dims(bool[4,3,5], [0,1], false) -> bool[5]"},
      {"aten::all.dims_out(bool[4,3,5], [0,1], false, bool[5]!) -> _"},
      {"aten::all.out(bool[4,3], 1, false, bool[4]!) -> _"},
      {"aten::any(bool[4,3]) -> bool[]"},
      {"aten::any.dim(bool[4,3], 1, true) -> bool[4,1]"},
      {"aten::any.dims(bool[4,3,5], [0,1], false) -> bool[5]"},
      {"aten::any.dims_out(bool[4,3,5], [0,1], false, bool[5]!) -> _"},
      {"aten::any.out(bool[4,3], 1, false, bool[4]!) -> _"},
      {"aten::aminmax(f64[4,3], 1, false) -> f64[4], f64[4]"},
      {"aten::argmax(f64[4,3], 1, false) -> i64[4]"},
      {"aten::argmax(f64[4,3], none, false) -> i64[]"},
      {"aten::argmin(f64[4,3], 1, true) -> i64[4,1]"},
      {"aten::count_nonzero.dim_IntList(f64[4,3,5], [1]) -> i64[4,5]"},
      {"aten::count_nonzero(bool[4,3], none) -> i64[]"},
      {"aten::kthvalue(f64[4,3], 2, 1, false) -> f64[4], i64[4]"},
      {"aten::logsumexp(f64[4,3,5], [1], false) -> f64[4,5]"},
      {"aten::median.dim(f64[4,3], 1, false) -> f64[4], i64[4]"},
      {"aten::mode(f64[4,3], 1, false) -> f64[4], i64[4]"},
      {"aten::prod(f64[4,3], none) -> f64[]"},
      {"aten::prod.dim_int(f64[4,3], 0, false, none) -> f64[3]"},
      {"aten::prod.int_out(f64[4,3], 0, false, none, f64[3]!) -> _"},
      {"aten::std.correction(f64[4,3], [1], none, false) -> f64[4]"},
      {"aten::std_mean.correction(f64[4,3], [1], none, false) -> f64[4], f64[4]"},
      {"aten::var.correction(f64[4,3], [1], none, true) -> f64[4,1]"},
      {"aten::var_mean.correction(f64[4,3,5], [0,2], none, false) -> f64[3], f64[3]"},
      {"aten::linalg_vector_norm(f64[4,3], word, none, false, none) -> f64[]", {2}},
      {"aten::linalg_vector_norm(f64[4,3], word, [1], true, none) -> f64[4,1]", {1}},
      {"aten::linalg_vector_norm(f64[4,3], word, [0], false, none) -> f64[3]", {kInfinity}},
      {"aten::linalg_vector_norm(f64[4,3], word, [0], false, none) -> f64[3]", {-kInfinity}},
      {"aten::linalg_vector_norm(f64[4,3], word, [0], false, none) -> f64[3]", {0}},
      {"aten::linalg_vector_norm(f64[4,3], word, [0], false, none) -> f64[3]", {3}},
      {"aten::norm.ScalarOpt_dim(f64[4,3], none, [1], true) -> f64[4,1]"},
      {"aten::norm.ScalarOpt_dim(f64[4,3], intword, [1], false) -> f64[4]", {2}},
      {"aten::norm.Scalar(f64[4,3], word) -> f64[]", {2}},
      {"aten::norm.ScalarOpt_dtype(f64[4,3], word, 7) -> f64[]", {2}},
  };
}

std::vector<SampleText> scan_samples() {
  return {
      {"aten::cumsum(f64[4,3,5], 1, none) -> f64[4,3,5]"},
      {"aten::_fft_r2c(f64[4,3,6], [2], 0, true) -> c128[4,3,4]"},
      {"aten::_fft_c2c(c128[4,3,6], [0,2], 0, true) -> c128[4,3,6]"},
      {"aten::_fft_c2r(c128[4,3,4], [2], 0, 6) -> f64[4,3,6]"},
      {"aten::linalg_cross(f64[4,3,5], f64[4,3,5], 1) -> f64[4,3,5]"},
      {"aten::cumprod(f64[4,3], 1, none) -> f64[4,3]"},
      {"aten::cummax(f64[4,3], 1) -> f64[4,3], i64[4,3]"},
      {"aten::cummin(f64[4,3], 1) -> f64[4,3], i64[4,3]"},
      {"aten::logcumsumexp(f64[4,3], 1) -> f64[4,3]"},
      {"aten::sort(f64[4,3], 1, true) -> f64[4,3], i64[4,3]"},
      {"aten::sort.stable(f64[4,3,5], true, 1, false) -> f64[4,3,5], i64[4,3,5]"},
      {"aten::sort.values_stable(f64[4,3], true, 1, false, f64[4,3]!, i64[4,3]!) -> _, _"},
      {"aten::topk(f64[4,5], 3, 1, true, true) -> f64[4,3], i64[4,3]"},
  };
}

}  // namespace moai::device::sharding
