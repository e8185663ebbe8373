// Plays moai-session for tests of the driver: detaches as it does, and behaves as Start::flavor
// says.
//
//   grant      every Acquire is granted; LinkLost ends the lease
//   wait       likewise, after a Waiting
//   never      a Waiting, and no grant
//   refuse     every Acquire is refused
//   quit       refuses, then closes the socket
//   die        ends at every Acquire
//   die_first  ends at the first Acquire ever, then as "grant"
//   garbage    answers with what is no message
//
// The messages that came are written to the file Start::token, a line each. Granted::job_id is the
// pid, Granted::flavor the credential that Start brought, and the Workers' addresses Start::device,
// with ";" between them.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

#include "moai/session/wire.h"

namespace moai::session {
namespace {

class PlayedSession {
 public:
  explicit PlayedSession(int socket) : socket_(socket) {}

  void run() {
    WireSplitter splitter;
    char buffer[4096];
    while (true) {
      const ssize_t n = ::recv(socket_, buffer, sizeof buffer, 0);
      if (n <= 0) {
        note("closed");
        return;
      }
      splitter.feed({buffer, static_cast<size_t>(n)});
      while (true) {
        auto message = splitter.next();
        if (!message.ok()) return;
        if (!*message) break;
        if (!handle(**message)) return;
      }
    }
  }

 private:
  bool handle(const WireMessage& message) {
    if (const auto* start = std::get_if<Start>(&message)) {
      start_ = *start;
      note(start_.resume.empty() ? "start" : "resume");
    }
    if (std::holds_alternative<GiveBack>(message)) note("give back");
    if (const auto* lost = std::get_if<LinkLost>(&message)) {
      note("link lost " + lost->address);
      say(Ended{Code::kUnavailable, "the platform saw it: " + lost->text});
    }
    if (std::holds_alternative<Acquire>(message)) return acquire();
    return true;
  }

  bool acquire() {
    const bool first = note("acquire");
    const std::string& how = start_.flavor;
    if (how == "die" || (how == "die_first" && first)) return false;
    if (how == "refuse" || how == "quit") {
      say(Ended{Code::kResourceExhausted, "no device is free"});
      return how == "refuse";
    }
    if (how == "garbage") {
      const char bytes[] = {1, 0, 0, 0, 99};
      return ::send(socket_, bytes, sizeof bytes, MSG_NOSIGNAL) > 0;
    }
    if (how == "wait" || how == "never") say(Waiting{"all devices are in use"});
    if (how == "never") return true;
    say(Line{0, "a line"});
    Granted granted;
    granted.job_id = static_cast<uint64_t>(::getpid());
    granted.epoch = 3;
    granted.flavor = start_.resume;
    granted.memory_bytes = 1 << 20;
    granted.resume = "credential";
    std::istringstream addresses(start_.device);
    for (std::string address; std::getline(addresses, address, ';');) {
      const auto rank = static_cast<uint32_t>(granted.workers.size());
      granted.workers.push_back(
          {address, std::string(32, static_cast<char>('s' + rank)), "back01", rank, "here"});
    }
    say(granted);
    return true;
  }

  void say(const WireMessage& message) {
    std::string bytes;
    encode(message, &bytes);
    if (::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) std::_Exit(1);
  }

  // True when this is the first note of its kind.
  bool note(const std::string& what) {
    if (start_.token.empty()) return false;
    const std::string line = what + "\n";
    const int file = ::open(start_.token.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    std::string before(1 << 16, '\0');
    const ssize_t n = ::pread(file, before.data(), before.size(), 0);
    before.resize(n > 0 ? static_cast<size_t>(n) : 0);
    if (::write(file, line.data(), line.size()) < 0) std::_Exit(1);
    ::close(file);
    return before.find(line) == std::string::npos;
  }

  const int socket_;
  Start start_;
};

}  // namespace
}  // namespace moai::session

int main(int argc, char** argv) {
  int socket = -1;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--fd") == 0) socket = std::atoi(argv[i + 1]);
  }
  if (socket < 0) return 2;
  if (::fork() != 0) std::_Exit(0);
  moai::session::PlayedSession(socket).run();
  std::_Exit(0);
}
