// A TCP relay whose every answer comes late, as over a long way or from a busy machine.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "moai/base/fd.h"

namespace moai::rpc {

// Relays one connection after another to a port of this machine.
class SlowLink {
 public:
  SlowLink(const std::string& server_address, std::chrono::milliseconds delay)
      : server_port_(std::stoi(server_address.substr(server_address.rfind(':') + 1))),
        delay_(delay),
        listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_.get(), 8);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { run(); });
  }
  ~SlowLink() {
    stop_ = true;
    thread_.join();
  }
  const std::string& address() const { return address_; }

 private:
  static sockaddr_in loopback(int port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static bool readable(int fd) {
    pollfd one{fd, POLLIN, 0};
    return ::poll(&one, 1, 10) > 0;
  }
  void run() {
    while (!stop_) {
      if (!readable(listener_.get())) continue;
      const Fd client(::accept(listener_.get(), nullptr, nullptr));
      const Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const sockaddr_in address = loopback(server_port_);
      ::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
      while (!stop_ && relay(client.get(), server.get(), {}) &&
             relay(server.get(), client.get(), delay_)) {
      }
    }
  }
  // False when the connection is over.
  static bool relay(int from, int to, std::chrono::milliseconds delay) {
    if (!readable(from)) return true;
    char bytes[16384];
    const ssize_t n = ::recv(from, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    std::this_thread::sleep_for(delay);
    return ::send(to, bytes, static_cast<size_t>(n), MSG_NOSIGNAL) == n;
  }

  const int server_port_;
  const std::chrono::milliseconds delay_;
  Fd listener_;
  std::string address_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace moai::rpc
