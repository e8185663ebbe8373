#include "moai/agent/spawn/compile_service.h"

#include <signal.h>
#include <sys/wait.h>

#include <filesystem>

#include "moai/agent/spawn/evidence.h"
#include "moai/base/file.h"
#include "moai/base/log.h"

namespace moai::agent {
namespace {

namespace fs = std::filesystem;

}  // namespace

CompileService::~CompileService() {
  if (!pid_) return;
  ::kill(-static_cast<pid_t>(pid_), SIGKILL);
  ::waitpid(static_cast<pid_t>(pid_), nullptr, 0);
}

// Paths of the requests.
std::vector<std::string> CompileService::waiting() const {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(options_.folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() == ".request") found.push_back(it->path().string());
  }
  return found;
}

void CompileService::advance() {
  if (options_.python.empty()) return;
  if (pid_) take_end();
  if (!pid_ && !waiting().empty()) start();
}

void CompileService::start() {
  SpawnOptions spawning;
  spawning.argv = {options_.python, "-m", "moai._compile.service", options_.folder};
  // Neither the device nor modules of the folder that the agent was started in.
  spawning.environment = {
      {"TORCH_DEVICE_BACKEND_AUTOLOAD", "0"}, {"PYTHONSAFEPATH", "1"}, {"OMP_NUM_THREADS", "1"}};
  spawning.log_path = options_.log_path;
  spawning.truncate_log = true;
  const auto pid = spawn(spawning);
  if (!pid.ok()) return refuse(pid.status().message());
  pid_ = *pid;
  log_info("Started the compile service " + std::to_string(pid_));
}

void CompileService::take_end() {
  int status = 0;
  if (::waitpid(static_cast<pid_t>(pid_), &status, WNOHANG) != pid_) return;
  pid_ = 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  const std::string tail = log_tail(options_.log_path, 1);
  refuse("the compile service (" + options_.python + ") " + describe_exit(status) +
         (tail.empty() ? "" : ": " + tail));
}

// Leaves the reason in place of each request, as the service would.
void CompileService::refuse(const std::string& why) {
  log_warning("Nothing is compiled: " + why);
  for (const std::string& request : waiting()) {
    const std::string failed = fs::path(request).replace_extension(".failed").string();
    const Status written = write_file(failed, "here: " + why + "\n");
    if (!written.ok()) log_warning(written.message());
    std::error_code error;  // a request that stays is refused again
    fs::remove(request, error);
  }
}

}  // namespace moai::agent
