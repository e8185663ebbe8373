// Writes the first inputs of two fuzzers: session_fuzz_seeds DIRECTORY (tests/fuzz in the
// repository). Run it again after a format changed. Of the wire one file a message, and a stream of
// them all; of what Workers are told of each other lists of some lengths.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "moai/identity/peers.h"
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

bool write_peers(const std::filesystem::path& directory) {
  using moai::identity::Peer;
  const std::vector<Peer> peers = {{"unix:/run/moai/w0-7.sock", "boot/25.1"},
                                   {"unix:/run/moai/w1-7.sock", "boot/25.1"},
                                   {"tls:10.0.0.2:4711", ""}};
  bool good = true;
  for (size_t n = 0; n <= peers.size(); ++n) {
    const std::vector<Peer> first(peers.begin(), peers.begin() + static_cast<std::ptrdiff_t>(n));
    good = good && write(directory, std::to_string(n), moai::identity::encode_peers(first));
  }
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: session_fuzz_seeds DIRECTORY\n", stderr);
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  return write_messages(directory / "wire") && write_peers(directory / "peers") ? 0 : 1;
}
