#include "moai/device/aten/conformance/sharding/samples_testing.h"

namespace moai::device::sharding {

std::vector<SampleText> convolution_samples() {
  return {
      {"aten::convolution(f64[4,3,6,5], f64[5,3,2,2], none, [1,1], [0,0], [1,1], false, [0,0], 1) "
       "-> f64[4,5,5,4]"},
      {"aten::convolution(f64[4,3,6,5], f64[5,3,2,2], f64[5], [1,1], [1,1], [1,1], false, [0,0], 1)"
       " -> f64[4,5,7,6]"},
      {"aten::convolution(f64[4,6,7], f64[12,2,3], f64[12], [1], [0], [1], false, [0], 3) -> "
       "f64[4,12,5]"},
      {"aten::convolution(f64[4,6,7], f64[12,2,3], none, [1], [0], [1], false, [0], 3) -> "
       "f64[4,12,5]"},
      {"aten::convolution(f64[4,6,7], f64[6,2,3], f64[6], [2], [0], [1], true, [0], 3) -> "
       "f64[4,6,15]"},
      {"aten::convolution_backward(f64[4,5,5,4], f64[4,3,6,5], f64[5,3,2,2], [5], [1,1], [0,0], "
       "[1,1], false, [0,0], 1, bools[true,true,true]) -> f64[4,3,6,5], f64[5,3,2,2], f64[5]"},
      {"aten::convolution_backward(f64[4,12,5], f64[4,6,7], f64[12,2,3], [12], [1], [0], [1], "
       "false, [0], 3, bools[true,true,true]) -> f64[4,6,7], f64[12,2,3], f64[12]"},
      {"aten::convolution_backward(f64[4,6,15], f64[4,6,7], f64[6,2,3], [6], [2], [0], [1], true, "
       "[0], 3, bools[true,true,true]) -> f64[4,6,7], f64[6,2,3], f64[6]"},
      {"aten::convolution_backward(f64[4,5,5,4], f64[4,3,6,5], f64[5,3,2,2], none, [1,1], [0,0], "
       "[1,1], false, [0,0], 1, bools[false,true,false]) -> undefined, f64[5,3,2,2], undefined"},
  };
}

std::vector<SampleText> image_samples() {
  return {
      {"aten::max_pool2d_with_indices(f64[4,3,6,6], [2,2], [2,2], [0,0], [1,1], false) -> "
       "f64[4,3,3,3], i64[4,3,3,3]"},
      {"aten::max_pool2d_with_indices_backward(f64[4,3,3,3], f64[4,3,6,6], [2,2], [2,2], [0,0], "
       "[1,1], false, i64[4,3,3,3]) -> f64[4,3,6,6]"},
      {"aten::max_pool3d_with_indices(f64[4,3,4,4,4], [2,2,2], [2,2,2], [0,0,0], [1,1,1], false) "
       "-> "
       "f64[4,3,2,2,2], i64[4,3,2,2,2]"},
      {"aten::max_pool3d_with_indices_backward(f64[4,3,2,2,2], f64[4,3,4,4,4], [2,2,2], [2,2,2], "
       "[0,0,0], [1,1,1], false, i64[4,3,2,2,2]) -> f64[4,3,4,4,4]"},
      {"aten::avg_pool2d(f64[4,3,6,6], [2,2], [2,2], [0,0], false, true, none) -> f64[4,3,3,3]"},
      {"aten::avg_pool2d_backward(f64[4,3,3,3], f64[4,3,6,6], [2,2], [2,2], [0,0], false, true, "
       "none) -> f64[4,3,6,6]"},
      {"aten::avg_pool3d(f64[4,3,4,4,4], [2,2,2], [2,2,2], [0,0,0], false, true, none) -> "
       "f64[4,3,2,2,2]"},
      {"aten::avg_pool3d_backward(f64[4,3,2,2,2], f64[4,3,4,4,4], [2,2,2], [2,2,2], [0,0,0], "
       "false, "
       "true, none) -> f64[4,3,4,4,4]"},
      {"aten::_adaptive_avg_pool2d(f64[4,3,6,6], [3,3]) -> f64[4,3,3,3]"},
      {"aten::_adaptive_avg_pool2d_backward(f64[4,3,3,3], f64[4,3,6,6]) -> f64[4,3,6,6]"},
      {"aten::_adaptive_avg_pool3d(f64[4,3,4,4,4], [2,2,2]) -> f64[4,3,2,2,2]"},
      {"aten::_adaptive_avg_pool3d_backward(f64[4,3,2,2,2], f64[4,3,4,4,4]) -> f64[4,3,4,4,4]"},
      {"aten::adaptive_max_pool2d(f64[4,3,6,6], [3,3]) -> f64[4,3,3,3], i64[4,3,3,3]"},
      {"aten::adaptive_max_pool2d_backward(f64[4,3,3,3], f64[4,3,6,6], i64[4,3,3,3]) -> "
       "f64[4,3,6,6]"},
      {"aten::reflection_pad1d(f64[4,3,6], [1,2]) -> f64[4,3,9]"},
      {"aten::reflection_pad1d_backward(f64[4,3,9], f64[4,3,6], [1,2]) -> f64[4,3,6]"},
      {"aten::reflection_pad2d(f64[4,3,6,5], [1,2,1,0]) -> f64[4,3,7,8]"},
      {"aten::reflection_pad2d_backward(f64[4,3,7,8], f64[4,3,6,5], [1,2,1,0]) -> f64[4,3,6,5]"},
      {"aten::replication_pad1d(f64[4,3,6], [1,2]) -> f64[4,3,9]"},
      {"aten::replication_pad1d_backward(f64[4,3,9], f64[4,3,6], [1,2]) -> f64[4,3,6]"},
      {"aten::replication_pad2d(f64[4,3,6,5], [1,2,1,0]) -> f64[4,3,7,8]"},
      {"aten::replication_pad2d_backward(f64[4,3,7,8], f64[4,3,6,5], [1,2,1,0]) -> f64[4,3,6,5]"},
      {"aten::im2col(f64[4,3,6,5], [2,2], [1,1], [0,0], [1,1]) -> f64[4,12,20]"},
      {"aten::col2im(f64[4,12,20], [6,5], [2,2], [1,1], [0,0], [1,1]) -> f64[4,3,6,5]"},
      {"aten::grid_sampler_2d(f64[4,3,6,5], f64[4,3,7,2], 0, 0, false) -> f64[4,3,3,7]"},
      {"aten::pixel_shuffle(f64[4,12,3,5], 2) -> f64[4,3,6,10]"},
  };
}

std::vector<SampleText> sampling_samples() {
  return {
      {"aten::grid_sampler_2d_backward(f64[4,3,3,7], f64[4,3,6,5], f64[4,3,7,2], 0, 0, false, "
       "bools[true,true]) -> f64[4,3,6,5], f64[4,3,7,2]"},
      {"aten::pixel_unshuffle(f64[4,3,6,10], 2) -> f64[4,12,3,5]"},
      {"aten::channel_shuffle(f64[4,6,3,5], 2) -> f64[4,6,3,5]"},
      {"aten::affine_grid_generator(f64[4,2,3], [4,3,5,6], false) -> f64[4,5,6,2]"},
      {"aten::adaptive_max_pool3d(f64[4,3,4,4,4], [2,2,2]) -> f64[4,3,2,2,2], i64[4,3,2,2,2]"},
      {"aten::adaptive_max_pool3d_backward(f64[4,3,2,2,2], f64[4,3,4,4,4], i64[4,3,2,2,2]) -> "
       "f64[4,3,4,4,4]"},
      {"aten::fractional_max_pool2d(f64[4,3,6,6], [2,2], [3,3], f64[4,3,2]) -> f64[4,3,3,3], "
       "i64[4,3,3,3]",
       {},
       true},
      {"aten::fractional_max_pool2d_backward(f64[4,3,3,3], f64[4,3,6,6], [2,2], [3,3], "
       "i64[4,3,3,3]) -> f64[4,3,6,6]"},
      {"aten::reflection_pad3d(f64[4,3,3,4,5], [1,1,1,0,0,1]) -> f64[4,3,4,5,7]"},
      {"aten::reflection_pad3d_backward(f64[4,3,4,5,7], f64[4,3,3,4,5], [1,1,1,0,0,1]) -> "
       "f64[4,3,3,4,5]"},
      {"aten::replication_pad3d(f64[4,3,3,4,5], [1,1,1,0,0,1]) -> f64[4,3,4,5,7]"},
      {"aten::replication_pad3d_backward(f64[4,3,4,5,7], f64[4,3,3,4,5], [1,1,1,0,0,1]) -> "
       "f64[4,3,3,4,5]"},
      {"aten::upsample_trilinear3d(f64[4,3,2,2,2], [4,4,4], false, none, none, none) -> "
       "f64[4,3,4,4,4]"},
      {"aten::upsample_trilinear3d_backward(f64[4,3,4,4,4], [4,4,4], [4,3,2,2,2], false, none, "
       "none, none) -> f64[4,3,2,2,2]"},
      {"aten::upsample_nearest1d(f64[4,3,5], [10], none) -> f64[4,3,10]"},
      {"aten::upsample_nearest1d_backward(f64[4,3,10], [10], [4,3,5], none) -> f64[4,3,5]"},
      {"aten::upsample_linear1d(f64[4,3,5], [10], false, none) -> f64[4,3,10]"},
      {"aten::upsample_linear1d_backward(f64[4,3,10], [10], [4,3,5], false, none) -> f64[4,3,5]"},
      {"aten::upsample_nearest2d(f64[4,3,5,6], [10,9], none, none) -> f64[4,3,10,9]"},
      {"aten::upsample_nearest2d_backward(f64[4,3,10,9], [10,9], [4,3,5,6], none, none) -> "
       "f64[4,3,5,6]"},
      {"aten::upsample_nearest3d(f64[4,3,2,2,2], [4,4,4], none, none, none) -> f64[4,3,4,4,4]"},
      {"aten::upsample_nearest3d_backward(f64[4,3,4,4,4], [4,4,4], [4,3,2,2,2], none, none, none) "
       "-> f64[4,3,2,2,2]"},
      {"aten::upsample_bilinear2d(f64[4,3,5,6], [10,9], false, none, none) -> f64[4,3,10,9]"},
      {"aten::upsample_bilinear2d_backward(f64[4,3,10,9], [10,9], [4,3,5,6], false, none, none) -> "
       "f64[4,3,5,6]"},
      {"aten::upsample_bicubic2d(f64[4,3,5,6], [10,9], false, none, none) -> f64[4,3,10,9]"},
      {"aten::upsample_bicubic2d_backward(f64[4,3,10,9], [10,9], [4,3,5,6], false, none, none) -> "
       "f64[4,3,5,6]"},
  };
}

}  // namespace moai::device::sharding
