#include "moai/comm/collective/segment_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "moai/comm/conformance/collective_groups.h"

namespace moai::comm {
namespace {

const std::string kFolder = "/dev/shm";

Result<SegmentFile> open_file(const std::string& name, size_t bytes = 4096, char mark = 'm') {
  return SegmentFile::open(kFolder, name, bytes,
                           [&](std::byte* data) { std::memset(data, mark, 1); });
}

TEST(SegmentFile, TheFirstMakesItAndTheSecondFindsIt) {
  const std::string name = unique_name();
  auto first = open_file(name, 4096, 'a');
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  auto second = open_file(name, 4096, 'b');
  ASSERT_TRUE(second.ok()) << second.status().to_string();
  EXPECT_EQ(static_cast<char>(second->data()[0]), 'a');
  first->data()[7] = std::byte{42};
  EXPECT_EQ(second->data()[7], std::byte{42});
  EXPECT_EQ(segment_files(name).size(), 1u);
  first->unlink();
  EXPECT_TRUE(segment_files(name).empty());
  second->unlink();
}

TEST(SegmentFile, IsForTheUserAlone) {
  const std::string name = unique_name();
  auto file = open_file(name);
  ASSERT_TRUE(file.ok()) << file.status().to_string();
  struct stat about = {};
  ASSERT_EQ(::stat((kFolder + "/" + segment_files(name)[0]).c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  file->unlink();
}

TEST(SegmentFile, WhatNobodyHasOpenIsReplaced) {
  const std::string name = unique_name();
  {
    ASSERT_TRUE(open_file(name, 4096, 'a').ok());
  }
  EXPECT_EQ(segment_files(name).size(), 1u);
  auto file = open_file(name, 4096, 'b');
  ASSERT_TRUE(file.ok()) << file.status().to_string();
  EXPECT_EQ(static_cast<char>(file->data()[0]), 'b');
  file->unlink();
  EXPECT_TRUE(segment_files(name).empty());
}

TEST(SegmentFile, AFullFolderIsToldWithWhatIsMissing) {
  const Status status = open_file(unique_name(), size_t{1} << 46).status();
  EXPECT_EQ(status.code(), Code::kResourceExhausted) << status.to_string();
  EXPECT_NE(status.message().find("/dev/shm"), std::string::npos);
  EXPECT_NE(status.message().find(std::to_string(size_t{1} << 36) + " KiB"), std::string::npos);
  EXPECT_NE(status.message().find("--shm-size"), std::string::npos);
}

TEST(SegmentFile, NamesThatAreNoFileNamesAreRefused) {
  for (const char* name : {"", "a/b", "..x/", "a b"}) {
    EXPECT_EQ(open_file(name).status().code(), Code::kInvalidArgument) << name;
  }
  EXPECT_EQ(open_file(std::string(201, 'a')).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(SegmentFile::open("/no/such/folder", "a", 1, [](std::byte*) {}).status().code(),
            Code::kInternal);
}

TEST(SegmentFile, AWrongKindOfFileUnderTheNameIsRefused) {
  const std::string name = unique_name();
  const std::string path = kFolder + "/moai-collective-" + name;
  std::filesystem::create_symlink("/etc/hostname", path);
  EXPECT_EQ(open_file(name).status().code(), Code::kPermissionDenied);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace moai::comm
