// fuzz-sources: moai/base/bytes.cc moai/base/status.cc
// fuzz-sources: moai/tensor/dtype.cc moai/tensor/geometry.cc
// fuzz-covers: moai/tensor/geometry.cc
//
// Arbitrary bytes as a geometry, and as its text: what is read must be written and read as equal.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "moai/tensor/geometry.h"

namespace {

void check_text(const moai::tensor::Geometry& g) {
  const auto back = moai::tensor::geometry_from_string(moai::tensor::to_string(g));
  if (!back || *back != g) std::abort();
}

void check_bytes(std::string_view input) {
  moai::Reader in(input);
  const moai::tensor::Geometry g = moai::tensor::decode_geometry(&in);
  if (!in.ok()) return;
  if (moai::tensor::storage_bytes(g) < 0 || moai::tensor::element_count(g) < 0) std::abort();
  (void)moai::tensor::is_contiguous(g);
  check_text(g);
  std::string bytes;
  moai::Writer out(&bytes);
  moai::tensor::encode(g, &out);
  moai::Reader again(bytes);
  const moai::tensor::Geometry back = moai::tensor::decode_geometry(&again);
  if (back != g || !again.done() || hash(back) != hash(g)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_bytes(input);
  if (const auto g = moai::tensor::geometry_from_string(input)) check_text(*g);
  return 0;
}
