// Writes the first inputs of the fuzzer of frames: comm_fuzz_seeds DIRECTORY (tests/fuzz in the
// repository). Run it again after the format changed.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include "moai/comm/collective/frame.h"
#include "moai/comm/collective/operation.h"

namespace {

using namespace moai::comm;

std::map<std::string, std::string> seeds() {
  const Operation reduce = {.kind = OperationKind::kAllReduce,
                            .dtype = moai::tensor::DType::kBFloat16,
                            .call = 300,
                            .sizes = {1024}};
  const Operation exchange = {
      .kind = OperationKind::kAllToAll, .call = 2, .sizes = {1, 0, 70000, 4, 5, 6, 7, 8, 9}};
  const Operation broadcast = {
      .kind = OperationKind::kBroadcast, .root = 3, .call = 9, .sizes = {8}};
  std::map<std::string, std::string> all = {
      {"reduce", encode(reduce)},
      {"exchange", encode(exchange)},
      {"broadcast", encode(broadcast)},
      {"barrier", encode(Operation{.call = 1})},
      {"mail", encode(FrameHeader{.kind = FrameKind::kMail, .group = 1, .number = 7}) + "bytes"},
      {"abort", encode(FrameHeader{.kind = FrameKind::kAbort, .code = moai::Code::kAborted})},
      {"leave", encode(FrameHeader{.kind = FrameKind::kLeave, .group = ~0ull})},
      {"greeting", encode(Greeting{.secret = "secret", .rank = 700})},
  };
  for (const Operation& operation : {reduce, exchange, broadcast}) {
    all["part" + std::to_string(static_cast<int>(operation.kind))] =
        encode(FrameHeader{.kind = FrameKind::kPart,
                           .group = 0x1234567890,
                           .frames_taken = 5,
                           .bytes_taken = 70000,
                           .operation = encode(operation),
                           .number = 2}) +
        "content";
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: comm_fuzz_seeds DIRECTORY\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = std::filesystem::path(argv[1]) / "frame";
  std::filesystem::create_directories(folder);
  bool good = true;
  for (const auto& [name, bytes] : seeds()) {
    std::ofstream out(folder / name, std::ios::binary);
    out << bytes;
    good = good && out.good();
  }
  return good ? 0 : 1;
}
