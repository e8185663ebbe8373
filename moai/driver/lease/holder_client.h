// HolderClient: the driver's end of its holder, moai-session (moai/session/wire.h).
//
// Starts the program, speaks first, and hands what comes to callbacks on a thread of its own. The
// holder detaches itself from this process; closing the socket tells it that the script is gone.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "moai/base/fd.h"
#include "moai/base/status.h"
#include "moai/session/wire.h"

namespace moai::driver {

class HolderClient {
 public:
  // Called on the reading thread; must not block for long nor destroy the client.
  struct Events {
    std::function<void(const session::Granted&)> granted;
    std::function<void(const session::Ended&)> ended;
    std::function<void(const session::Line&)> line;
    std::function<void(const session::Waiting&)> waiting;
    // The holder is gone. A socket to its successor, or none: then this is the last call.
    std::function<Fd(const Status&)> lost;
    // send() reaches the successor from now on; what was sent before may be lost.
    std::function<void(HolderClient*)> replaced;
  };

  // Starts `program` and greets it. Returns the socket to it; errors: it cannot be started.
  static Result<Fd> start(const std::string& program, const session::Start& start);

  HolderClient(Fd socket, Events events);
  // Closes the socket and waits for the reading thread.
  ~HolderClient();

  Status send(const session::WireMessage& message);
  int descriptor() const { return socket_.get(); }

 private:
  void read();
  Status read_until_end();
  void dispatch(const session::WireMessage& message);

  Fd socket_;  // replaced by the reading thread under sending_
  Events events_;
  std::mutex sending_;
  std::atomic<bool> closing_{false};
  std::thread reader_;  // last: it uses the others
};

}  // namespace moai::driver
