// Lease: the accelerator of this process, as its holder brings it.
//
// Nothing is started before acquire(). A holder that dies while a lease is wanted or held is
// replaced by another one, which continues its session; the running job does not notice.
// Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "moai/base/status.h"
#include "moai/driver/lease/holder_client.h"
#include "moai/session/wire.h"

namespace moai::driver {

class Lease {
 public:
  struct Options {
    std::string session_program;
    session::Start start;
    bool quiet = false;  // only errors are shown
  };
  // `ended` is called on a thread of the lease when a granted one is over, once for each.
  Lease(Options options, std::function<void(const Status&)> ended);
  ~Lease();

  // Asks for the lease and waits for it; `stopped` is looked at every 100 ms. CANCELLED when it
  // said so, else why no lease can be had. May be called again then. One thread at a time.
  Result<session::Granted> acquire(const std::function<bool()>& stopped);
  // The Worker of this rank cannot be reached. Waits a moment for the platform to say why the lease
  // ended.
  Status link_lost(size_t rank, const Status& how);
  void give_back();
  // In a forked child: closes the child's copy of the socket, without a lock.
  void close_copy();

 private:
  void granted(const session::Granted& message);
  void over(const session::Ended& message);
  Fd replace(const Status& how);
  void ask_again(HolderClient* successor);
  Status start_holder();
  std::shared_ptr<HolderClient> holder();
  HolderClient::Events events();

  Options options_;
  std::function<void(const Status&)> ended_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<session::Granted> granted_;                // guarded by mutex_
  std::optional<Status> end_;                              // guarded by mutex_
  bool wanted_ = false;                                    // guarded by mutex_: or held
  bool holder_gone_ = true;                                // guarded by mutex_: none will follow it
  int replacements_ = 0;                                   // guarded by mutex_
  std::chrono::steady_clock::time_point replacing_since_;  // guarded by mutex_
  // Guarded by mutex_; shared with who sends while acquire() starts the next. Last: its thread uses
  // the others.
  std::shared_ptr<HolderClient> holder_;
};

}  // namespace moai::driver
