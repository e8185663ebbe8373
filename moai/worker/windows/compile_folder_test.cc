#include "moai/worker/windows/compile_folder.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace moai::worker {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class LoadedPackage final : public Package {
 public:
  const PackageLayout& layout() const override { return layout_; }
  Status run(std::span<device::Buffer* const>, std::span<const uint64_t>, bool,
             std::span<device::BufferPtr>) override {
    return ok_status();
  }
  Status agrees(std::span<device::Buffer* const>, std::span<const device::BufferPtr>) override {
    return ok_status();
  }

 private:
  PackageLayout layout_;
};

class Loader final : public PackageLoader {
 public:
  Result<std::unique_ptr<Package>> load(const std::string& folder) override {
    loaded = folder;
    return std::unique_ptr<Package>(std::make_unique<LoadedPackage>());
  }
  std::string loaded;
};

class CompileFolderTest : public testing::Test {
 protected:
  CompileFolderTest() {
    char pattern[] = "/tmp/moai-compiled-XXXXXX";
    path_ = ::mkdtemp(pattern);
  }
  ~CompileFolderTest() override { fs::remove_all(path_); }
  std::string key() {
    const auto key = folder().ask("a request");
    EXPECT_TRUE(key.ok()) << key.status().to_string();
    return key.ok() ? *key : "";
  }
  CompileFolder folder() { return CompileFolder({.folder = path_, .loader = &loader_}); }
  void put(const std::string& name, const std::string& text) {
    std::ofstream(path_ + "/" + name) << text;
  }

  Loader loader_;
  std::string path_;
};

TEST_F(CompileFolderTest, AsksOnceAndFindsThePackage) {
  const std::string key = this->key();
  EXPECT_EQ(key.size(), 64u);
  std::ifstream file(path_ + "/" + key + ".request");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "a request");
  auto found = folder().look(key);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->package, nullptr);

  fs::remove(path_ + "/" + key + ".request");
  fs::create_directory(path_ + "/" + key + ".package");
  put(key + ".package/seconds", "12.5\n");
  found = folder().look(key);
  ASSERT_TRUE(found.ok());
  EXPECT_NE(found->package, nullptr);
  EXPECT_EQ(found->compile_ms, 12'500u);
  EXPECT_EQ(loader_.loaded, path_ + "/" + key + ".package");
  EXPECT_EQ(this->key(), key);
  EXPECT_FALSE(fs::exists(path_ + "/" + key + ".request")) << "it is there already";
}

TEST_F(CompileFolderTest, AFailureIsNotAskedForAgain) {
  const std::string key = this->key();
  fs::remove(path_ + "/" + key + ".request");
  put(key + ".failed", "it draws\n");
  EXPECT_EQ(this->key(), key);
  EXPECT_FALSE(fs::exists(path_ + "/" + key + ".request"));
  EXPECT_EQ(folder().look(key).status(), failed_precondition("it draws"));
}

TEST_F(CompileFolderTest, AFailureOfTheMachineIsAskedForAgain) {
  const std::string key = this->key();
  fs::remove(path_ + "/" + key + ".request");
  put(key + ".failed", "here: no compiler\n");
  EXPECT_EQ(folder().look(key).status(), failed_precondition("here: no compiler"));
  this->key();
  EXPECT_TRUE(fs::exists(path_ + "/" + key + ".request"));
  EXPECT_TRUE(folder().look(key).ok());
}

TEST_F(CompileFolderTest, AWrongPackageIsLoadedByNobody) {
  const std::string key = this->key();
  fs::create_directory(path_ + "/" + key + ".package");
  folder().condemn(key, "output 3 is off");
  EXPECT_EQ(folder().look(key).status(), failed_precondition("output 3 is off"));
  EXPECT_FALSE(fs::exists(path_ + "/" + key + ".package"));
}

TEST_F(CompileFolderTest, AFolderThatIsNoneIsTold) {
  EXPECT_THAT(CompileFolder({.folder = path_ + "/none"}).ask("r").status().message(),
              HasSubstr("cannot write " + path_ + "/none/"));
}

}  // namespace
}  // namespace moai::worker
