// DType: element types on every wire and in every text form of ours.
//
// The numbers are those of torch's ScalarType (stable across its releases, new ones are appended),
// so that front and device convert by a cast; both assert that at compile time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace moai::tensor {

enum class DType : uint8_t {
  kUInt8 = 0,
  kInt8 = 1,
  kInt16 = 2,
  kInt32 = 3,
  kInt64 = 4,
  kFloat16 = 5,
  kFloat32 = 6,
  kFloat64 = 7,
  kComplex32 = 8,
  kComplex64 = 9,
  kComplex128 = 10,
  kBool = 11,
  kBFloat16 = 15,
  kFloat8E5M2 = 23,
  kFloat8E4M3FN = 24,
  kFloat8E5M2FNUZ = 25,
  kFloat8E4M3FNUZ = 26,
  kUInt16 = 27,
  kUInt32 = 28,
  kUInt64 = 29,
};

// Bytes of one element; 0 for a number that is no DType.
size_t dtype_size(DType dtype);
// "f32", "bf16", "i64", "bool", "c64", …; "?" for a number that is no DType.
std::string_view dtype_name(DType dtype);
std::optional<DType> dtype_from_name(std::string_view name);
inline bool is_dtype(uint8_t number) { return dtype_size(static_cast<DType>(number)) != 0; }

}  // namespace moai::tensor
