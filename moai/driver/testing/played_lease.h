// What tests of the lease share: a Start for the played session, and what it noted.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>

#include "moai/session/wire.h"

namespace moai::driver {

// Waits until `done` says so, at most 20 s.
template <class Done>
bool eventually(const Done& done) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// A played session that behaves as `how` says (played_session.cc).
class Played {
 public:
  explicit Played(const std::string& how) {
    folder_ = testing::TempDir() + "moai_played_XXXXXX";
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    notes_path_ = folder_ + "/notes";
    start.flavor = how;
    start.token = notes_path_;
    start.device = "unix:/nowhere";
  }
  // A played session that notes something later finds no folder, and ends; one that notes something
  // just now makes another try necessary.
  ~Played() {
    EXPECT_TRUE(eventually([this] {
      std::error_code error;
      std::filesystem::remove_all(folder_, error);
      return !error;
    }));
  }

  static std::string program() { return MOAI_PLAYED_SESSION; }
  // The notes so far, each with "; " after it.
  std::string notes() const {
    std::ifstream file(notes_path_);
    std::string line, text;
    while (std::getline(file, line)) text += line + "; ";
    return text;
  }
  size_t count(const std::string& note) const {
    size_t found = 0;
    std::ifstream file(notes_path_);
    for (std::string line; std::getline(file, line);) {
      found += line == note;
    }
    return found;
  }

  session::Start start;

 private:
  std::string folder_, notes_path_;
};

}  // namespace moai::driver
