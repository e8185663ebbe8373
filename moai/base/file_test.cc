#include "moai/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>
#include <vector>

namespace moai {
namespace {

namespace fs = std::filesystem;

class File : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "moai_file_XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/f";
  }
  void TearDown() override { fs::remove_all(folder_); }
  auto files() const { return std::distance(fs::directory_iterator(folder_), {}); }
  std::string folder_, path_;
};

TEST_F(File, IsReplacedWholeAndLeavesNothingBeside) {
  ASSERT_TRUE(write_file(path_, std::string(100000, 'a')).ok());
  EXPECT_EQ(read_file(path_).value(), std::string(100000, 'a'));
  ASSERT_TRUE(write_file(path_, std::string("b\0c", 3), {.mode = 0600, .synced = true}).ok());
  EXPECT_EQ(read_file(path_).value(), std::string("b\0c", 3));
  struct stat s{};
  ASSERT_EQ(::stat(path_.c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600U);
  EXPECT_EQ(files(), 1);
}

TEST_F(File, TheSystemsReasonIsSaid) {
  const Status unread = read_file(folder_ + "/none").status();
  EXPECT_EQ(unread.code(), Code::kNotFound);
  EXPECT_EQ(unread.message(),
            "[base.file] cannot read " + folder_ + "/none: No such file or directory");
  EXPECT_EQ(write_file(folder_ + "/none/f", "x").code(), Code::kNotFound);
  EXPECT_EQ(read_file(folder_).status().code(), Code::kUnavailable);  // a folder
}

TEST_F(File, AWriteThatFailsKeepsTheFormerFile) {
  fs::create_directories(path_ + "/in");  // a folder with content cannot be renamed over
  EXPECT_EQ(write_file(path_, "x").code(), Code::kUnavailable);
  EXPECT_TRUE(fs::is_directory(path_ + "/in"));
  EXPECT_EQ(files(), 1);
}

TEST_F(File, WritersOfOnePathDoNotMix) {
  std::vector<std::thread> writers;
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    writers.emplace_back([&, letter] {
      for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(write_file(path_, std::string(50000, letter)).ok());
        const std::string seen = read_file(path_).value();
        EXPECT_EQ(seen, std::string(50000, seen.at(0)));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(files(), 1);
}

}  // namespace
}  // namespace moai
