// The built programs against a state directory of their own. What still runs at the end is ended.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "moai/base/file.h"
#include "moai/base/process.h"
#include "moai/session/local/local_platform.h"

namespace moai::toolkit {

struct Ran {
  int code = -1;
  std::string out, err;
  nlohmann::json json() const { return nlohmann::json::parse(out); }
};

class Programs {
 public:
  Programs() {
    char name[] = "/tmp/moai_toolkit_XXXXXX";
    if (::mkdtemp(name)) path_ = name;
    for (const char* set : {"MOREH_SDA_MANAGER_ADDRESS", "MOREH_SDA_TOKEN", "MOREH_SDA_CA"}) {
      ::unsetenv(set);
    }
    ::setenv("MOAI_STATE_DIR", state().c_str(), 1);
    ::setenv("MOAI_LOCAL_DEVICES", "2", 1);
    ::setenv("MOAI_DEVICE_MEMORY", "1GiB", 1);
    ::setenv("MOAI_LOCAL_IDLE_EXIT", "120", 1);
    // Workers that only say that they are there.
    std::filesystem::create_directories(path_ + "/bin");
    for (const char* program : {"moai-master", "moai-agent"}) {
      std::filesystem::create_symlink(program_directory() + "/" + program,
                                      path_ + "/bin/" + program);
    }
    std::filesystem::create_symlink(program_directory() + "/agent_fake_worker",
                                    path_ + "/bin/moai-worker");
  }
  ~Programs() {
    session::stop_platform(state()).ignore("the test is over");
    std::filesystem::remove_all(path_);
  }
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  std::string state() const { return path_ + "/state"; }
  session::LocalOptions options() const {
    session::LocalOptions options = *session::local_options();
    options.program_dir = path_ + "/bin";
    return options;
  }
  // A line of the shell; the programs are found by their names.
  Ran shell(const std::string& line) const {
    const std::string err_path = path_ + "/err";
    const std::string command = "export PATH=\"" + program_directory() + ":$PATH\"; (" + line +
                                ") 2>" + err_path + " </dev/null";
    Ran ran;
    FILE* pipe = ::popen(("bash -c '" + command + "'").c_str(), "r");
    std::array<char, 4096> buffer;
    for (size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
      ran.out.append(buffer.data(), n);
    }
    ran.code = WEXITSTATUS(::pclose(pipe));
    ran.err = read_file(err_path).value();
    return ran;
  }

 private:
  std::string path_;
};

}  // namespace moai::toolkit
