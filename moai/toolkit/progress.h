// Progress: tells a user who waits for more than a second that the command still works.
#pragma once

#include <condition_variable>
#include <iosfwd>
#include <mutex>
#include <string>
#include <thread>

namespace moai::toolkit {

// One line after a second, then one every two seconds, until it is destroyed.
class Progress {
 public:
  Progress(std::ostream& err, std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // A line between those of the progress; any thread.
  void say(const std::string& line);

 private:
  void tick();

  std::ostream& err_;  // guarded by mutex_ as long as this lives
  const std::string what_;
  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace moai::toolkit
