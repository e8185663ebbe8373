// Writes the first inputs of the fuzzers: fuzz_seeds DIRECTORY (tests/fuzz in the repository).
//
// Run it again after a format changed; one small file a message, program, signature and window.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "moai/dispatch/samples.h"

namespace {

using moai::Writer;

constexpr const char* kCalls[] = {
    "aten::add.Tensor(f32[2,3]!, f32[2,3]{1,2}+4, word) -> f32[2,3]",
    "aten::cat((f32[2], bf16[0]w), 0, none, undefined, device) -> f32[2]?, undefined, (u8[1], _)",
    "aten::mix(true, -7, -0.5, nan(0x7ff8000000000000), inf, complex(1.0,2.5), \"a\\\"\\x0a\", "
    "[1,-2], bools[true,false], doubles[0.1,3.0], (), [], host f64[]w, generator, intword)",
};
constexpr const char* kWindow =
    "alloc s7 4096\n"
    "s9 = aten::add.Tensor(f32[2,3] s7, f32[2,3] s8, word 1.0) -> f32[2,3]    @12\n"
    "aten::uniform_(f32[2,3]! s9, intword -3, host i64[]w 0x5:0x0, generator 4:8) -> _    @13\n"
    "resize s7 8192\n"
    "free s7\n";
constexpr const char* kGeometries[] = {"f32[2,3]", "bool[]", "c64[2,0,3]{1,2,9}+4*-wh"};

bool write(const std::filesystem::path& directory, const std::string& name, std::string_view text) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  std::ofstream out(directory / name, std::ios::binary);
  out << text;
  return !error && out.good();
}

template <class T>
std::string encoded(const T& value) {
  std::string bytes;
  Writer out(&bytes);
  encode(value, &out);
  return bytes;
}

bool write_messages(const std::filesystem::path& root) {
  bool good = true;
  std::string stream(1, '\x05');
  for (const moai::dispatch::Message& m : moai::dispatch::samples()) {
    std::string frame;
    encode(m, &frame);
    good = good && write(root / "messages", std::to_string(m.index() + 1), frame);
    Writer(&stream).word(frame.size());
    stream += frame;
    const auto* run = std::get_if<moai::dispatch::Run>(&m);
    const auto* stored = std::get_if<moai::dispatch::DefineTemplate>(&m);
    if (run) good = good && write(root / "program", "streamed", encoded(run->program));
    if (stored) good = good && write(root / "program", "template", encoded(stored->program));
  }
  return good && write(root / "frame_reader", "messages", stream);
}

bool write_texts(const std::filesystem::path& root) {
  bool good = write(root / "window", "small", kWindow);
  int number = 0;
  for (const char* text : kCalls) {
    const std::string name = std::to_string(++number);
    const auto call = moai::ops::call_signature_from_string(text);
    good = good && call && write(root / "call", name + ".text", text) &&
           write(root / "call", name, encoded(*call));
  }
  for (const char* text : kGeometries) {
    const std::string name = std::to_string(++number);
    const auto geometry = moai::tensor::geometry_from_string(text);
    good = good && geometry && write(root / "geometry", name + ".text", text) &&
           write(root / "geometry", name, encoded(*geometry));
  }
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_seeds DIRECTORY\n", stderr);
    return 2;
  }
  return write_messages(argv[1]) && write_texts(argv[1]) ? 0 : 1;
}
