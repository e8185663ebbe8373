// fuzz-sources: moai/base/bytes.cc moai/base/status.cc
// fuzz-sources: moai/tensor/dtype.cc moai/tensor/geometry.cc
// fuzz-sources: moai/ops/call.cc moai/ops/call_print.cc moai/ops/call_parse.cc
// fuzz-sources: moai/graph/signature_table.cc
// fuzz-sources: moai/program/program.cc moai/program/program_codec.cc
// fuzz-covers: moai/program/program_codec.cc
//
// Arbitrary bytes as a program: what decodes must encode to something that decodes equal, and may
// be printed when it verifies.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "moai/program/program.h"

namespace {

const moai::graph::SignatureTable& signatures() {
  static moai::graph::SignatureTable table;
  if (table.size() == 0) {
    for (const char* text :
         {"aten::add.Tensor(f32[2,3]!, f32[2,3], word) -> f32[2,3]", "aten::relu(f32[2]) -> f32[2]",
          "aten::manual(generator)", "aten::relu_(f32[2]!) -> _"}) {
      table.intern(*moai::ops::call_signature_from_string(text));
    }
  }
  return table;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  moai::Reader in({reinterpret_cast<const char*>(data), size});
  const moai::program::Program p = moai::program::decode_program(&in);
  if (!in.ok()) return 0;
  if (moai::program::verify(p, signatures()).ok()) {
    if (moai::program::print(p, signatures()).empty() && !p.instructions.empty()) std::abort();
  }
  std::string bytes;
  moai::Writer out(&bytes);
  moai::program::encode(p, &out);
  moai::Reader again(bytes);
  if (moai::program::decode_program(&again) != p || !again.done()) std::abort();
  return 0;
}
