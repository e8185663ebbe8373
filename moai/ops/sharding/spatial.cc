// Pooling, upsampling and padding of images: planes are apart, places need their neighbours.
#include "moai/ops/sharding/rows.h"

namespace moai::ops::sharding {
namespace {

constexpr Row kRows[] = {
    {"aten::_adaptive_avg_pool2d", "b... h! w! -> b... y! x!", "0"},
    {"aten::_adaptive_avg_pool2d_backward", "b... y! x!, b... h! w! -> b... h w", "0"},
    {"aten::_adaptive_avg_pool3d", "b... d! h! w! -> b... z! y! x!", "0"},
    {"aten::_adaptive_avg_pool3d_backward", "b... z! y! x!, b... d! h! w! -> b... d h w", "0"},
    {"aten::adaptive_max_pool2d", "b... h! w! -> b... y! x!, b... y x"},
    {"aten::adaptive_max_pool2d_backward", "b... y! x!, b... h! w!, b... y x -> b... h w", "0"},
    {"aten::adaptive_max_pool3d", "b... d! h! w! -> b... z! y! x!, b... z y x"},
    {"aten::adaptive_max_pool3d_backward", "b... z! y! x!, b... d! h! w!, b... z y x -> b... d h w",
     "0"},
    {"aten::affine_grid_generator", "n i! j!, =[n _ _ _] -> n h! w! k!", "0"},
    {"aten::avg_pool2d", "b... h! w! -> b... y! x!", "0"},
    {"aten::avg_pool2d_backward", "b... y! x!, b... h! w! -> b... h w", "0"},
    {"aten::avg_pool3d", "b... d! h! w! -> b... z! y! x!", "0"},
    {"aten::avg_pool3d_backward", "b... z! y! x!, b... d! h! w! -> b... d h w", "0"},
    {"aten::channel_shuffle", "n c! x... -> n c x...", "=0"},
    {"aten::fractional_max_pool2d", "b... h! w!, _, _, b... r! -> b... y! x!, b... y x"},
    {"aten::fractional_max_pool2d_backward", "b... y! x!, b... h! w!, _, _, b... y x -> b... h w",
     "0"},
    {"aten::max_pool2d_with_indices", "b... h! w! -> b... y! x!, b... y x"},
    {"aten::max_pool2d_with_indices_backward",
     "b... y! x!, b... h! w!, _, _, _, _, _, b... y x -> b... h w", "0"},
    {"aten::max_pool3d_with_indices", "b... d! h! w! -> b... z! y! x!, b... z y x"},
    {"aten::max_pool3d_with_indices_backward",
     "b... z! y! x!, b... d! h! w!, _, _, _, _, _, b... z y x -> b... d h w", "0"},
    {"aten::reflection_pad1d", "b... w! -> b... x!"},
    {"aten::reflection_pad1d_backward", "b... x!, b... w! -> b... w", "0"},
    {"aten::reflection_pad2d", "b... h! w! -> b... y! x!"},
    {"aten::reflection_pad2d_backward", "b... y! x!, b... h! w! -> b... h w", "0"},
    {"aten::reflection_pad3d", "b... d! h! w! -> b... z! y! x!"},
    {"aten::reflection_pad3d_backward", "b... z! y! x!, b... d! h! w! -> b... d h w", "0"},
    {"aten::replication_pad1d", "b... w! -> b... x!"},
    {"aten::replication_pad1d_backward", "b... x!, b... w! -> b... w", "0"},
    {"aten::replication_pad2d", "b... h! w! -> b... y! x!"},
    {"aten::replication_pad2d_backward", "b... y! x!, b... h! w! -> b... h w", "0"},
    {"aten::replication_pad3d", "b... d! h! w! -> b... z! y! x!"},
    {"aten::replication_pad3d_backward", "b... z! y! x!, b... d! h! w! -> b... d h w", "0"},
    {"aten::im2col", "b... c h! w! -> b... (c k!) l!", "0"},
    {"aten::col2im", "b... (c k!) l! -> b... c h! w!", "0"},
    {"aten::grid_sampler_2d", "n c h! w!, n y x p! -> n c y x", "0"},
    {"aten::grid_sampler_2d_backward", "n c+ y+ x+, n c h! w!, n y x p! -> n c h w, n y x p", "0"},
    {"aten::pixel_unshuffle", "b... c (h r!) (w s!) -> b... (c k!) h w", "=0"},
    {"aten::pixel_shuffle", "b... (c k!) h w -> b... c (h r!) (w s!)", "=0"},
    {"aten::upsample_bicubic2d", "n c h! w! -> n c y! x!", "0"},
    {"aten::upsample_bicubic2d_backward", "n c y! x!, _, =[n c _ _] -> n c h! w!", "0"},
    {"aten::upsample_bilinear2d", "n c h! w! -> n c y! x!", "0"},
    {"aten::upsample_bilinear2d_backward", "n c y! x!, _, =[n c _ _] -> n c h! w!", "0"},
    {"aten::upsample_linear1d", "n c w! -> n c x!", "0"},
    {"aten::upsample_linear1d_backward", "n c x!, _, =[n c _] -> n c w!", "0"},
    {"aten::upsample_nearest1d", "n c w! -> n c x!", "=0"},
    {"aten::upsample_nearest1d_backward", "n c x!, _, =[n c _] -> n c w!", "0"},
    {"aten::upsample_nearest2d", "n c h! w! -> n c y! x!", "=0"},
    {"aten::upsample_nearest2d_backward", "n c y! x!, _, =[n c _ _] -> n c h! w!", "0"},
    {"aten::upsample_nearest3d", "n c d! h! w! -> n c z! y! x!", "=0"},
    {"aten::upsample_nearest3d_backward", "n c z! y! x!, _, =[n c _ _ _] -> n c d! h! w!", "0"},
    {"aten::upsample_trilinear3d", "n c d! h! w! -> n c z! y! x!", "0"},
    {"aten::upsample_trilinear3d_backward", "n c z! y! x!, _, =[n c _ _ _] -> n c d! h! w!", "0"},
};

}  // namespace

std::span<const Row> spatial_rows() { return kRows; }

}  // namespace moai::ops::sharding
