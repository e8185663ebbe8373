#include "moai/agent/spawn/evidence.h"

#include <sys/wait.h>

#include <cstring>
#include <deque>
#include <fstream>
#include <sstream>

namespace moai::agent {
namespace {

constexpr std::streamoff kWindowBytes = 16 * 1024;

}  // namespace

std::string describe_exit(int wait_status) {
  if (WIFEXITED(wait_status)) {
    return "exited with code " + std::to_string(WEXITSTATUS(wait_status));
  }
  if (!WIFSIGNALED(wait_status)) return "ended with status " + std::to_string(wait_status);
  const int signal = WTERMSIG(wait_status);
  std::string text = "killed by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
  if (signal == 9) text += ", by an administrator or for want of memory";
  return text;
}

std::string log_tail(const std::string& path, size_t lines, size_t bytes) {
  std::ifstream file(path, std::ios::ate | std::ios::binary);
  if (!file) return "";
  const std::streamoff size = file.tellg();
  file.seekg(size > kWindowBytes ? size - kWindowBytes : 0);
  std::deque<std::string> last;
  for (std::string line; std::getline(file, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    last.push_back(line);
    if (last.size() > lines) last.pop_front();
  }
  std::string text;
  for (const std::string& line : last) text += (text.empty() ? "" : " | ") + line;
  return text.size() > bytes ? text.substr(text.size() - bytes) : text;
}

}  // namespace moai::agent
