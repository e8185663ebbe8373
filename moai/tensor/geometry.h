// Geometry: how a tensor lies in its storage.
//
// Text form: "f32[2,3]" when contiguous at offset 0, else "f32[2,3]{1,2}+4"; a trailing "*" marks
// conjugation pending, "-" negation pending, "w" a wrapped number (a Python scalar made tensor),
// "h" an operand that the operator needs in host memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moai/base/bytes.h"
#include "moai/tensor/dtype.h"

namespace moai::tensor {

struct Geometry {
  static constexpr uint8_t kConj = 1;
  static constexpr uint8_t kNeg = 2;
  static constexpr uint8_t kWrappedNumber = 4;
  static constexpr uint8_t kHost = 8;

  DType dtype = DType::kFloat32;
  uint8_t flags = 0;
  std::vector<int64_t> sizes{};
  std::vector<int64_t> strides{};  // in elements, one per size
  int64_t offset = 0;              // in elements, from the start of the storage

  bool operator==(const Geometry&) const = default;
};

// Number of elements. Overflow gives -1.
int64_t element_count(const Geometry& g);
// Bytes that the storage must have at least, offset included; 0 without elements. Overflow gives
// -1.
int64_t storage_bytes(const Geometry& g);
std::vector<int64_t> contiguous_strides(const std::vector<int64_t>& sizes);
bool is_contiguous(const Geometry& g);
uint64_t hash(const Geometry& g);

std::string to_string(const Geometry& g);
// Nothing where decode_geometry would fail, or where the text is malformed.
std::optional<Geometry> geometry_from_string(std::string_view text);

void encode(const Geometry& g, Writer* out);
// Fails the reader on anything that is no geometry: an unknown dtype or flag, over 128 dimensions,
// negative sizes, strides or offset, or a byte count past 2^62.
Geometry decode_geometry(Reader* in);

}  // namespace moai::tensor
