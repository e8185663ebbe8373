#include "moai/driver/lease/holder_client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "moai/base/process.h"

namespace moai::driver {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kDetachMax{5000};

// The program ends as soon as it has detached; the script's own wait() may have taken it.
Status wait_detached(pid_t child, const std::string& program) {
  Status status;
  if (const auto ended = open_pidfd(child); ended.ok()) {
    pollfd wait{.fd = ended->get(), .events = POLLIN, .revents = 0};
    const auto deadline = steady_clock::now() + kDetachMax;
    int ready = 0;
    do {
      const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
      ready = ::poll(&wait, 1, std::max(0, static_cast<int>(left.count())));
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
      ::kill(child, SIGKILL);
      status = deadline_exceeded("[driver.holder] " + program + " did not start within 5 s");
    }
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// posix_spawn: fork would copy the page tables of a process that may hold gigabytes, and run the
// fork handlers of every library in it.
Status spawn_holder(const std::string& program, int socket, int pidfd) {
  constexpr int kSocket = 3, kPidfd = 4;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, socket, kSocket);
  if (pidfd >= 0) ::posix_spawn_file_actions_adddup2(&actions, pidfd, kPidfd);
  sigset_t all, none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  std::vector<std::string> words = {program, "--fd", "3"};
  const std::string pid = std::to_string(::getpid());
  const std::vector<std::string> script = pidfd >= 0 ? std::vector<std::string>{"--pidfd", "4"}
                                                     : std::vector{std::string("--pid"), pid};
  words.insert(words.end(), script.begin(), script.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error =
      ::posix_spawn(&child, program.c_str(), &actions, &attributes, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return not_found("[driver.holder] cannot start " + program + ": " + std::strerror(error) +
                     "; install the package again");
  }
  return wait_detached(child, program);
}

// Above the numbers that the child uses, so that its dup2 calls do not meet.
Fd move_up(Fd fd) {
  constexpr int kFirst = 10;
  if (!fd.valid() || fd.get() >= kFirst) return fd;
  return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirst));
}

Status send_all(int socket, const session::WireMessage& message) {
  std::string bytes;
  session::encode(message, &bytes);
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return unavailable("[driver.holder] moai-session is gone");
    sent += static_cast<size_t>(n);
  }
  return ok_status();
}

}  // namespace

Result<Fd> HolderClient::start(const std::string& program, const session::Start& start) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return resource_exhausted(std::string("[driver.holder] no socket pair: ") +
                              std::strerror(errno));
  }
  Fd mine = move_up(Fd(ends[0])), its = move_up(Fd(ends[1]));
  Fd pidfd;
  if (auto opened = open_pidfd(::getpid()); opened.ok()) pidfd = move_up(std::move(*opened));
  MOAI_RETURN_IF_ERROR(spawn_holder(program, its.get(), pidfd.get()));
  MOAI_RETURN_IF_ERROR(send_all(mine.get(), start));
  return mine;
}

HolderClient::HolderClient(Fd socket, Events events)
    : socket_(std::move(socket)), events_(std::move(events)), reader_([this] { read(); }) {}

HolderClient::~HolderClient() {
  {
    const std::lock_guard lock(sending_);
    closing_ = true;
    ::shutdown(socket_.get(), SHUT_RDWR);
  }
  reader_.join();
}

Status HolderClient::send(const session::WireMessage& message) {
  const std::lock_guard lock(sending_);
  return send_all(socket_.get(), message);
}

void HolderClient::read() {
  while (true) {
    const Status end = read_until_end();
    if (closing_) return;
    Fd successor = events_.lost(end);
    {
      const std::lock_guard lock(sending_);
      if (closing_ || !successor.valid()) return;
      socket_ = std::move(successor);
    }
    events_.replaced(this);
  }
}

Status HolderClient::read_until_end() {
  session::WireSplitter splitter;
  char buffer[4096];
  while (true) {
    const ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return unavailable("[driver.holder] moai-session is gone");
    splitter.feed({buffer, static_cast<size_t>(n)});
    while (true) {
      MOAI_ASSIGN_OR_RETURN(const auto message, splitter.next());
      if (!message) break;
      dispatch(*message);
    }
  }
}

void HolderClient::dispatch(const session::WireMessage& message) {
  if (const auto* granted = std::get_if<session::Granted>(&message)) events_.granted(*granted);
  if (const auto* ended = std::get_if<session::Ended>(&message)) events_.ended(*ended);
  if (const auto* line = std::get_if<session::Line>(&message)) events_.line(*line);
  if (const auto* waiting = std::get_if<session::Waiting>(&message)) events_.waiting(*waiting);
}

}  // namespace moai::driver
