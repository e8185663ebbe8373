// Writes the first inputs of the wire's fuzzer: session_fuzz_seeds DIRECTORY (tests/fuzz in the
// repository). Run it again after the format changed; one file a message, and a stream of them all.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "moai/session/testing/wire_samples.h"

namespace {

bool write(const std::filesystem::path& directory, const std::string& name, std::string_view text) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  std::ofstream out(directory / name, std::ios::binary);
  out << text;
  return !error && out.good();
}

bool write_messages(const std::filesystem::path& directory) {
  bool good = true;
  std::string stream;
  for (const moai::session::WireMessage& message : moai::session::one_of_each()) {
    std::string frame;
    encode(message, &frame);
    good = good && write(directory, std::to_string(message.index() + 1), frame.substr(4));
    stream += frame;
  }
  return good && write(directory, "stream", stream);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: session_fuzz_seeds DIRECTORY\n", stderr);
    return 2;
  }
  return write_messages(std::filesystem::path(argv[1]) / "wire") ? 0 : 1;
}
