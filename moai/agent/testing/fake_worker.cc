// Stands in for moai-worker in tests: takes its arguments, says its address, sleeps until it is
// ended. The memory it is given chooses how it behaves.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

std::string argument(int argc, char** argv, const char* name) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], name) == 0) return argv[i + 1];
  }
  return "";
}

std::string read_all(int fd) {
  std::string all;
  char buffer[64];
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) {
    all.append(buffer, static_cast<size_t>(n));
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string behaviour = argument(argc, argv, "--memory");
  const std::string secret = read_all(std::stoi(argument(argc, argv, "--secret-fd")));
  const int ready = std::stoi(argument(argc, argv, "--ready-fd"));
  std::fprintf(stderr, "secret %s\n", secret.c_str());
  if (behaviour == "1") {
    std::fprintf(stderr, "cannot bind\n\nno space\n");
    return 3;
  }
  if (behaviour == "2") ::pause();  // never ready
  if (behaviour == "3") ::signal(SIGTERM, SIG_IGN);
  const std::string line = argument(argc, argv, "--listen") + "\n";
  for (char c : line) {
    if (::write(ready, &c, 1) != 1) return 4;
  }
  ::close(ready);
  if (const std::string peers = argument(argc, argv, "--peers-fd"); !peers.empty()) {
    std::fprintf(stderr, "rank %s of %s\n", argument(argc, argv, "--rank").c_str(),
                 argument(argc, argv, "--ranks").c_str());
    std::fprintf(stderr, "peers %zu bytes\n", read_all(std::stoi(peers)).size());
  }
  if (behaviour == "4") {
    ::signal(SIGSEGV, SIG_DFL);  // a sanitizer would turn it into an exit code
    ::raise(SIGSEGV);
  }
  while (true) ::pause();
}
