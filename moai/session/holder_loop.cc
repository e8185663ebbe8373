#include "moai/session/holder_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <thread>
#include <vector>

#include "moai/base/log.h"
#include "moai/base/process.h"
#include "moai/rpc/client/stream_pump.h"

namespace moai::session {
namespace {

using Pump = rpc::StreamPump<v1::SessionUp, v1::SessionDown>;

constexpr int64_t kFlushMsMax = 1000;  // for the last words to a driver that reads slowly

// Looks for the platform on a thread, so that the script's end is seen meanwhile.
class Finder {
 public:
  Finder() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Finder() { join(); }

  void begin(const HolderLoopOptions& options, const Start& start) {
    join();
    stop_ = false;
    thread_ = std::thread([this, &options, start] {
      auto platform = options.locate(
          start, [this](uint8_t level, std::string text) { say(level, std::move(text)); }, stop_);
      std::lock_guard lock(mutex_);
      found_ = std::move(platform);
      ::eventfd_write(wake_.get(), 1);
    });
  }

  int descriptor() const { return wake_.get(); }
  struct News {
    std::vector<WireMessage> lines;
    std::optional<Result<Platform>> platform;
  };
  News take() {
    eventfd_t count = 0;
    ::eventfd_read(wake_.get(), &count);
    std::lock_guard lock(mutex_);
    return {std::exchange(lines_, {}), std::exchange(found_, std::nullopt)};
  }

 private:
  void say(uint8_t level, std::string text) {
    std::lock_guard lock(mutex_);
    lines_.push_back(Line{level, std::move(text)});
    ::eventfd_write(wake_.get(), 1);
  }
  void join() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  Fd wake_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<WireMessage> lines_;         // guarded by mutex_
  std::optional<Result<Platform>> found_;  // guarded by mutex_
  std::thread thread_;
};

class Loop {
 public:
  explicit Loop(HolderLoopOptions options)
      : options_(std::move(options)), holder_(options_.holder) {
    ::fcntl(options_.driver.get(), F_SETFL, O_NONBLOCK);
  }

  void run() {
    while (!finished_) {
      wait();
      const int64_t now = boot_time_ms();
      read_driver(now);
      if (script_readable_) holder_.script_gone(now);
      take_located(now);
      take_stream(now);
      holder_.advance(now);
      perform(holder_.take(), now);
      write_driver();
    }
    flush();
  }

 private:
  void wait();
  void read_driver(int64_t now);
  void write_driver();
  void take_located(int64_t now);
  void take_stream(int64_t now);
  void perform(Holder::Actions actions, int64_t now);
  void connect(int64_t now);
  void flush();

  HolderLoopOptions options_;
  Holder holder_;
  Finder finder_;
  std::unique_ptr<Pump> pump_;
  WireSplitter incoming_;
  std::string outgoing_;
  bool script_readable_ = false;
  bool finished_ = false;
};

void Loop::wait() {
  std::vector<pollfd> fds = {{finder_.descriptor(), POLLIN, 0}};
  const short driver_events = static_cast<short>(POLLIN | (outgoing_.empty() ? 0 : POLLOUT));
  if (options_.driver.valid()) fds.push_back({options_.driver.get(), driver_events, 0});
  if (pump_) fds.push_back({pump_->descriptor(), POLLIN, 0});
  if (options_.script.valid() && !script_readable_) {
    fds.push_back({options_.script.get(), POLLIN, 0});
  }
  int timeout = -1;
  if (const auto deadline = holder_.next_deadline_ms()) {
    timeout = static_cast<int>(std::clamp<int64_t>(*deadline - boot_time_ms(), 0, 60'000));
  }
  if (::poll(fds.data(), fds.size(), timeout) < 0) return;
  for (const pollfd& fd : fds) {
    if (fd.fd == options_.script.get() && fd.revents) script_readable_ = true;
  }
}

void Loop::read_driver(int64_t now) {
  char buffer[4096];
  while (options_.driver.valid()) {
    const ssize_t n = ::recv(options_.driver.get(), buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) {
      options_.driver.reset();
      return holder_.script_gone(now);
    }
    incoming_.feed({buffer, static_cast<size_t>(n)});
    while (true) {
      auto message = incoming_.next();
      if (!message.ok()) {
        log_error("The driver sent what is no message: " + message.status().message());
        options_.driver.reset();
        return holder_.script_gone(now);
      }
      if (!*message) break;
      holder_.from_driver(**message, now);
    }
  }
}

void Loop::write_driver() {
  while (options_.driver.valid() && !outgoing_.empty()) {
    const ssize_t n =
        ::send(options_.driver.get(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // full: POLLOUT will tell; gone: the next read will
    outgoing_.erase(0, static_cast<size_t>(n));
  }
}

void Loop::take_located(int64_t now) {
  auto news = finder_.take();
  for (const WireMessage& line : news.lines) encode(line, &outgoing_);
  if (news.platform) holder_.located(std::move(*news.platform), now);
}

void Loop::take_stream(int64_t now) {
  if (!pump_) return;
  for (auto& message : pump_->take()) {
    if (message.ok()) {
      holder_.from_master(*message, now);
    } else {
      pump_.reset();
      return holder_.stream_ended(message.status(), now);
    }
  }
}

void Loop::perform(Holder::Actions actions, int64_t now) {
  for (const WireMessage& message : actions.to_driver) encode(message, &outgoing_);
  if (actions.locate) finder_.begin(options_, holder_.start());
  if (actions.connect) connect(now);
  for (const v1::SessionUp& message : actions.to_master) {
    if (!pump_) break;
    pump_->send(message).ignore("the end of the stream comes by take()");
  }
  if (actions.half_close && pump_) pump_->half_close();
  if (actions.device_memory && options_.remember) options_.remember(actions.device_memory);
  finished_ = actions.finished;
}

void Loop::connect(int64_t now) {
  pump_.reset();
  auto stream = options_.connect(holder_.platform());
  if (stream.ok()) {
    pump_ = std::make_unique<Pump>(std::move(*stream));
  } else {
    holder_.stream_ended(stream.status(), now);
  }
}

void Loop::flush() {
  const int64_t deadline = boot_time_ms() + kFlushMsMax;
  while (options_.driver.valid() && !outgoing_.empty() && boot_time_ms() < deadline) {
    pollfd fd{options_.driver.get(), POLLOUT, 0};
    ::poll(&fd, 1, 50);
    if (fd.revents & (POLLHUP | POLLERR)) return;
    write_driver();
  }
}

}  // namespace

void run_holder(HolderLoopOptions options) { Loop(std::move(options)).run(); }

}  // namespace moai::session
