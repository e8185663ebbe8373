// A state directory for tests, with programs in it that stand in for the platform's. Whatever they
// started is killed at the end.
#pragma once

#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "moai/session/local/local_platform.h"

namespace moai::session {

class StateDirectory {
 public:
  StateDirectory() {
    char name[] = "/tmp/moai_session_XXXXXX";
    if (::mkdtemp(name)) path_ = name;
    // A master that says its address and sleeps; every start is noted.
    program("moai-master",
            "echo master $$ >> \"$(dirname $0)/starts\"\n"
            "echo \"$@\" > \"$(dirname $0)/master.arguments\"\n" +
                after("--address-file") +
                "mkdir -p \"$(dirname $file)\"; echo 127.0.0.1:$$ > $file.new; "
                "mv $file.new $file; exec sleep 300");
    program("moai-agent", "echo agent $$ >> \"$(dirname $0)/starts\"; exec sleep 300");
  }
  ~StateDirectory() {
    if (const auto status = platform_status(state())) {
      for (const ProcessId& process : {status->platform.master, status->platform.agent}) {
        if (is_alive(process)) ::kill(static_cast<pid_t>(process.pid), SIGKILL);
      }
    }
    std::filesystem::remove_all(path_);
  }
  StateDirectory(const StateDirectory&) = delete;
  StateDirectory& operator=(const StateDirectory&) = delete;

  std::string state() const { return path_ + "/state"; }
  LocalOptions options() const {
    LocalOptions options;
    options.state_dir = state();
    options.program_dir = path_;
    options.start_ms_max = 10'000;
    return options;
  }
  // A shell script in the place of a program.
  void program(const std::string& name, const std::string& body) {
    std::ofstream(path_ + "/" + name) << "#!/bin/sh\n" << body << "\n";
    ::chmod((path_ + "/" + name).c_str(), 0700);
  }
  // "master 12\nagent 13\n": what was started so far.
  int starts(const std::string& name) const {
    std::ifstream file(path_ + "/starts");
    int count = 0;
    for (std::string line; std::getline(file, line);) count += line.rfind(name, 0) == 0;
    return count;
  }
  // Of the newest master.
  std::string master_arguments() const {
    std::ifstream file(path_ + "/master.arguments");
    std::string line;
    std::getline(file, line);
    return line;
  }
  // The same once there is one; a program notes its start some time after it was started.
  int starts_noted(const std::string& name) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (starts(name) == 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return starts(name);
  }
  // Answers as long as the processes live.
  static LocalProbe probe() {
    return {[](const LocalPlatform& p) { return is_alive(p.master); },
            [](const LocalPlatform& p) { return is_alive(p.agent); },
            [](const LocalPlatform&) { return true; }};
  }

 private:
  // Shell text that puts the argument after `flag` into $file.
  static std::string after(const std::string& flag) {
    return "while [ $# -gt 0 ]; do [ \"$1\" = " + flag + " ] && file=$2; shift; done\n";
  }

  std::string path_;
};

}  // namespace moai::session
