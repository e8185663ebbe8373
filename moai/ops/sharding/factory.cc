// Tensors made of nothing. Where a value depends on its place all of it is frozen; of drawing
// operators the numbers depend on it, but not the shapes.
#include "moai/ops/sharding/rows.h"

namespace moai::ops::sharding {
namespace {

constexpr Row kRows[] = {
    {"aten::arange", "_ -> x...!"},
    {"aten::empty", "=[x...] -> x..."},
    {"aten::eye", "_ -> x...!"},
    {"aten::full", "=[x...] -> x..."},
    {"aten::linspace", "_ -> x...!"},
    {"aten::new_empty", "?, =[x...] -> x..."},
    {"aten::new_full", "?, =[x...] -> x..."},
    {"aten::new_ones", "?, =[x...] -> x..."},
    {"aten::new_zeros", "?, =[x...] -> x..."},
    {"aten::normal.float_float", "_, _, =[x...] -> x..."},
    {"aten::ones", "=[x...] -> x..."},
    {"aten::rand", "=[x...] -> x..."},
    {"aten::randint", "_, =[x...] -> x..."},
    {"aten::randint.low", "_, _, =[x...] -> x..."},
    {"aten::randint.low_generator", "_, _, =[x...] -> x..."},
    {"aten::randint.low_generator_out", "_, _, =[x...] -> x..."},
    {"aten::randint.low_out", "_, _, =[x...] -> x..."},
    {"aten::randn", "=[x...] -> x..."},
    {"aten::randperm", "_ -> x...!"},
    {"aten::scalar_tensor", "_ -> ."},
    {"aten::tril_indices", "_ -> x...!"},
    {"aten::triu_indices", "_ -> x...!"},
    {"aten::zeros", "=[x...] -> x..."},
};

}  // namespace

std::span<const Row> factory_rows() { return kRows; }

}  // namespace moai::ops::sharding
