// fuzz-sources: moai/base/bytes.cc moai/base/status.cc
// fuzz-sources: moai/tensor/dtype.cc moai/tensor/geometry.cc
// fuzz-sources: moai/ops/call.cc moai/ops/call_print.cc moai/ops/call_parse.cc
// fuzz-sources: moai/graph/signature_table.cc
// fuzz-sources: moai/graph/window.cc moai/graph/window_text.cc moai/graph/window_verify.cc
// fuzz-covers: moai/graph/window_text.cc
//
// Arbitrary text as a window: what parses must print to something that parses to the same print,
// verifies alike and has the same hash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "moai/graph/window.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moai::graph;
  SignatureTable signatures;
  const auto w = parse({reinterpret_cast<const char*>(data), size}, &signatures);
  if (!w.ok()) return 0;
  const std::string text = print(*w, signatures);
  SignatureTable fresh;
  const auto back = parse(text, &fresh);
  if (!back.ok() || print(*back, fresh) != text) std::abort();
  if (window_hash(*w, signatures) != window_hash(*back, fresh)) std::abort();
  if (verify(*w, signatures) != verify(*back, fresh)) std::abort();
  if (storage_versions(*w, signatures) != storage_versions(*back, fresh)) std::abort();
  return 0;
}
