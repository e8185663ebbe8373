#include "moai/worker/peers/handover.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace moai::worker {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    read = Fd(ends[0]);
    write = Fd(ends[1]);
  }
  void say(const std::string& bytes) {
    EXPECT_EQ(::write(write.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  Fd read, write;
};

Result<Secrets> secrets_from(const std::string& bytes, uint32_t ranks) {
  Pipe pipe;
  pipe.say(bytes);
  pipe.write.reset();
  return read_secrets(pipe.read, ranks);
}

TEST(Handover, AWorkerOfItsOwnGetsOneSecret) {
  const auto secrets = secrets_from(std::string(32, 's'), 1);
  ASSERT_TRUE(secrets.ok());
  EXPECT_EQ(secrets->lease, std::string(32, 's'));
  EXPECT_EQ(secrets->group, "");
}

TEST(Handover, OneOfSeveralGetsTwo) {
  const auto secrets = secrets_from(std::string(32, 's') + std::string(32, 'g'), 4);
  ASSERT_TRUE(secrets.ok());
  EXPECT_EQ(secrets->lease, std::string(32, 's'));
  EXPECT_EQ(secrets->group, std::string(32, 'g'));
}

TEST(Handover, SecretsOfAnotherLengthAreRefused) {
  for (const auto& [bytes, ranks] :
       {std::pair{0u, 1u}, {31u, 1u}, {33u, 1u}, {64u, 1u}, {32u, 2u}, {65u, 2u}, {9000u, 2u}}) {
    EXPECT_EQ(secrets_from(std::string(bytes, 's'), ranks).status().code(), Code::kInvalidArgument)
        << bytes << " bytes for " << ranks;
  }
}

TEST(Handover, PeersComeInPiecesAndEndWithTheirPipe) {
  const std::vector<identity::Peer> peers = {{"unix:a", "h"}, {"unix:b", "h"}};
  const std::string bytes = identity::encode_peers(peers);
  Pipe pipe;
  PeersReader reader(std::move(pipe.read));
  EXPECT_FALSE(reader.read());
  pipe.say(bytes.substr(0, 5));
  EXPECT_FALSE(reader.read());
  pipe.say(bytes.substr(5));
  EXPECT_FALSE(reader.read()) << "more might follow";
  pipe.write.reset();
  const auto read = reader.read();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->value(), peers);
  EXPECT_EQ(reader.descriptor(), -1);
}

TEST(Handover, AnAgentThatEndsWithoutAWordIsAnError) {
  Pipe pipe;
  PeersReader reader(std::move(pipe.read));
  pipe.write.reset();
  EXPECT_EQ(reader.read()->status().code(), Code::kUnavailable);
}

TEST(Handover, AListThatIsCutShortIsAnError) {
  Pipe pipe;
  PeersReader reader(std::move(pipe.read));
  pipe.say("\x02\x01");
  pipe.write.reset();
  EXPECT_EQ(reader.read()->status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace moai::worker
