#include "moai/dispatch/messages.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "moai/dispatch/samples.h"

namespace moai::dispatch {
namespace {

std::string encoded(const Message& m) {
  std::string frame;
  encode(m, &frame);
  return frame;
}

TEST(Messages, EveryKindRoundTrips) {
  std::vector<bool> seen(std::variant_size_v<Message>);
  for (const Message& m : samples()) {
    const std::string frame = encoded(m);
    const auto back = decode(frame);
    ASSERT_TRUE(back.ok()) << back.status().to_string();
    EXPECT_TRUE(*back == m) << "kind " << m.index();
    seen[m.index()] = true;
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), false), 0);
}

TEST(Messages, EveryTruncationAndExtensionIsRefused) {
  for (const Message& m : samples()) {
    const std::string frame = encoded(m);
    for (size_t n = 0; n < frame.size(); ++n) {
      const auto part = decode(std::string_view(frame).substr(0, n));
      ASSERT_FALSE(part.ok()) << "kind " << m.index() << " of " << n << " bytes";
      EXPECT_EQ(part.status().code(), Code::kInvalidArgument);
    }
    EXPECT_FALSE(decode(frame + '\0').ok());
  }
}

TEST(Messages, UnknownKindsAreRefused) {
  EXPECT_FALSE(decode("").ok());
  EXPECT_FALSE(decode(std::string(1, '\0')).ok());
  EXPECT_FALSE(decode("\x1a").ok());
  EXPECT_FALSE(decode("\xff").ok());
}

TEST(Messages, ARankIsOneOfThem) {
  EXPECT_TRUE(decode(encoded(Welcome{.rank = 3, .ranks = 4})).ok());
  EXPECT_FALSE(decode(encoded(Welcome{.rank = 4, .ranks = 4})).ok());
  EXPECT_FALSE(decode(encoded(Welcome{.rank = 0, .ranks = 0})).ok());
  EXPECT_FALSE(decode(encoded(Join{.secret = "short"})).ok());
  EXPECT_TRUE(decode(encoded(JoinMesh{.axes = {2, 2}})).ok());
  EXPECT_FALSE(decode(encoded(JoinMesh{.axes = {2, 0}})).ok()) << "an axis has a rank at least";
}

TEST(Messages, KindBytesStayAsSpecified) {
  EXPECT_EQ(encoded(Hello{.secret = std::string(kSecretBytes, 's')})[0], 1);
  EXPECT_EQ(encoded(Upload{})[0], 7);
  EXPECT_EQ(encoded(Welcome{})[0], 13);
  EXPECT_EQ(encoded(Ending{})[0], 20);
  EXPECT_EQ(encoded(Join{.secret = std::string(kSecretBytes, 's')})[0], 23);
  EXPECT_EQ(encoded(Joined{})[0], 24);
  EXPECT_EQ(encoded(JoinMesh{})[0], 25);
}

TEST(Messages, HeadersEqualTheFrameUpToItsBytes) {
  std::string header;
  upload_header(5, 4096, 1024, 3, &header);
  EXPECT_EQ(header + "abc",
            encoded(Upload{.storage = 5, .storage_bytes = 4096, .offset = 1024, .bytes = "abc"}));
  header.clear();
  data_header(7, 300, 3, &header);
  EXPECT_EQ(header + "abc", encoded(Data{.request = 7, .range = 300, .bytes = "abc"}));
}

TEST(Messages, ViewsReadInPlace) {
  const std::string upload =
      encoded(Upload{.storage = 5, .storage_bytes = 4096, .offset = 1024, .bytes = "abc"});
  const auto u = upload_view(upload);
  ASSERT_TRUE(u);
  EXPECT_EQ(u->storage, 5u);
  EXPECT_EQ(u->storage_bytes, 4096u);
  EXPECT_EQ(u->offset, 1024u);
  EXPECT_EQ(u->bytes, "abc");
  EXPECT_EQ(u->bytes.data(), upload.data() + upload.size() - 3);
  const std::string data = encoded(Data{.request = 7, .range = 2, .bytes = "xy"});
  ASSERT_TRUE(data_view(data));
  EXPECT_EQ(data_view(data)->bytes, "xy");
  EXPECT_FALSE(upload_view(data));
  EXPECT_FALSE(data_view(upload));
  EXPECT_FALSE(data_view(data + "z"));
}

TEST(Messages, RangesMustLieInTheirStorage) {
  EXPECT_FALSE(decode(encoded(Upload{.storage_bytes = 4, .offset = 2, .bytes = "abc"})).ok());
  EXPECT_FALSE(decode(encoded(Upload{.storage_bytes = 4, .offset = 9, .bytes = ""})).ok());
  EXPECT_FALSE(decode(encoded(Read{.ranges = {{1, ~uint64_t{0}, 2}}})).ok());
}

TEST(Messages, FieldsOutOfRangeAreRefused) {
  EXPECT_FALSE(decode(encoded(Hello{.secret = "short"})).ok());
  EXPECT_FALSE(decode(encoded(RunTemplate{.begin = 3, .end = 2})).ok());
  EXPECT_FALSE(decode(encoded(RunTemplate{.end = 2, .releases = {{3, 1}}})).ok());
  EXPECT_FALSE(decode(encoded(RunTemplate{.end = 5, .releases = {{3, 1}, {2, 1}}})).ok());
  EXPECT_FALSE(decode(encoded(Refused{.code = static_cast<Code>(17)})).ok());
  EXPECT_FALSE(decode(encoded(dispatch::Run{.program = {.is_template = true}})).ok());
  EXPECT_FALSE(decode(encoded(DefineTemplate{})).ok());
}

TEST(Messages, HostileCountsAllocateNothing) {
  for (const char* frame : {"\x06\x01\x01\x00\x05\xff\xff\xff\xff\x0f", "\x02\x00\xff\xff\xff\x7f",
                            "\x08\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f"}) {
    EXPECT_FALSE(decode(frame).ok());
  }
}

TEST(Messages, NestedAnswersAreBounded) {
  Value v{.kind = Value::Kind::kList};
  for (int i = 0; i < 3; ++i) v = {.kind = Value::Kind::kList, .items = {v}};
  EXPECT_TRUE(decode(encoded(Answer{.results = {v}})).ok());
  v = {.kind = Value::Kind::kList, .items = {v}};
  EXPECT_FALSE(decode(encoded(Answer{.results = {v}})).ok());
  EXPECT_FALSE(decode(encoded(Answer{.results = std::vector<Value>((1 << 16) + 1)})).ok());
}

TEST(Messages, ATemplateStepIsAFewHundredBytes) {
  RunTemplate m{.id = 3, .first_sequence = 100000, .end = 400};
  for (StorageId id = 5000000; id < 5000200; ++id) m.bindings.push_back(id);
  for (StorageId id = 5000000; id < 5000100; ++id) {
    m.releases.push_back({static_cast<uint32_t>(3 * (id - 5000000)), id});
  }
  EXPECT_LT(encoded(m).size(), 450u);
}

}  // namespace
}  // namespace moai::dispatch
