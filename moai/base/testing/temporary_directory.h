// A private directory that a test may fill; removed at the end.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace moai {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char name[] = "/tmp/moai_test_XXXXXX";
    if (::mkdtemp(name)) path_ = name;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace moai
