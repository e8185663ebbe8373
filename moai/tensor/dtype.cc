#include "moai/tensor/dtype.h"

#include <array>

namespace moai::tensor {
namespace {

struct Row {
  DType dtype;
  uint8_t size;
  std::string_view name;
};

constexpr std::array<Row, 20> kRows = {{
    {DType::kUInt8, 1, "u8"},
    {DType::kInt8, 1, "i8"},
    {DType::kInt16, 2, "i16"},
    {DType::kInt32, 4, "i32"},
    {DType::kInt64, 8, "i64"},
    {DType::kFloat16, 2, "f16"},
    {DType::kFloat32, 4, "f32"},
    {DType::kFloat64, 8, "f64"},
    {DType::kComplex32, 4, "c32"},
    {DType::kComplex64, 8, "c64"},
    {DType::kComplex128, 16, "c128"},
    {DType::kBool, 1, "bool"},
    {DType::kBFloat16, 2, "bf16"},
    {DType::kFloat8E5M2, 1, "f8e5m2"},
    {DType::kFloat8E4M3FN, 1, "f8e4m3fn"},
    {DType::kFloat8E5M2FNUZ, 1, "f8e5m2fnuz"},
    {DType::kFloat8E4M3FNUZ, 1, "f8e4m3fnuz"},
    {DType::kUInt16, 2, "u16"},
    {DType::kUInt32, 4, "u32"},
    {DType::kUInt64, 8, "u64"},
}};

const Row* find(DType dtype) {
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return &row;
  }
  return nullptr;
}

}  // namespace

size_t dtype_size(DType dtype) {
  const Row* row = find(dtype);
  return row ? row->size : 0;
}

std::string_view dtype_name(DType dtype) {
  const Row* row = find(dtype);
  return row ? row->name : "?";
}

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.dtype;
  }
  return std::nullopt;
}

}  // namespace moai::tensor
