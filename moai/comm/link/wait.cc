#include "moai/comm/link/wait.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace moai::comm {
namespace {

using std::chrono::steady_clock;

timespec to_timespec(std::chrono::nanoseconds d) {
  constexpr int64_t kSecond = 1'000'000'000;
  return {.tv_sec = d.count() / kSecond, .tv_nsec = d.count() % kSecond};
}

}  // namespace

Waker::Waker() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Waker::wake() {
  woken_.store(true, std::memory_order_release);
  const uint64_t one = 1;
  // Fails only when the counter is full, and then everybody is awake.
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
}

Status Patience::look() {
  const auto now = steady_clock::now();
  if (now >= deadline_) return deadline_exceeded("[comm.link] nothing came in time");
  if (now < next_interrupt_) return ok_status();
  next_interrupt_ = now + kInterruptEvery;
  return interrupt_ ? interrupt_() : ok_status();
}

Status wait_ready(int fd, Want want, const Waker& waker, Patience* patience) {
  const short events = want == Want::kWrite ? POLLOUT : POLLIN;
  while (true) {
    if (waker.woken()) return cancelled("[comm.link] the link was closed here");
    MOAI_RETURN_IF_ERROR(patience->look());
    const auto slice = std::max(patience->next() - steady_clock::now(), steady_clock::duration(0));
    const timespec timeout = to_timespec(slice);
    std::array<pollfd, 2> fds = {{{fd, events, 0}, {waker.fd(), POLLIN, 0}}};
    const int ready = ::ppoll(fds.data(), fds.size(), &timeout, nullptr);
    if (ready < 0 && errno != EINTR) {
      return internal_error(std::string("[comm.link] poll failed: ") + std::strerror(errno));
    }
    if (ready > 0 && fds[0].revents != 0) return ok_status();
  }
}

}  // namespace moai::comm
