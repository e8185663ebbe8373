// Holder: keeps one script's session with the master alive and brings it leases.
//
// Plain state driven from outside: what the driver says, what the master says, what happened to the
// stream and how late it is go in; take() tells what to do. One thread owns it. Times are one clock
// in milliseconds.
//
// It holds the liveness of a lease, not its content: when the master goes away it comes back with
// the session's resume credential and the running job is not told.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/session/wire.h"
#include "proto/moai/core.pb.h"

namespace moai::session {

// Where the master is and what proves the right to use it.
struct Platform {
  std::string address;
  std::string token;
  std::string ca;      // PEM
  bool local = false;  // of this user alone: an accelerator is made when none is free
};

struct HolderOptions {
  std::string version;  // of this program
  std::string hostname;
  std::string user;
  std::function<std::string()> operation_id;                   // another at each call
  std::function<std::vector<int64_t>(int64_t pid)> ancestors;  // of the script; may be empty
  int64_t first_contact_ms_max = 20'000;                       // then the first Acquire fails
  int64_t warn_away_ms = 30'000;
  int64_t close_ms_max = 700;  // for the goodbye to arrive
  int64_t retry_ms_min = 100;
  int64_t retry_ms_soon_max = 800;  // while the master may still keep the session
  int64_t retry_soon_ms = 5'000;    // so long after the stream broke
  int64_t retry_ms_max = 5'000;
};

class Holder {
 public:
  // What the owner must do, in this order.
  struct Actions {
    std::vector<WireMessage> to_driver;
    bool locate = false;                   // find the platform, then call located()
    bool connect = false;                  // open a stream, after breaking the one before
    std::vector<v1::SessionUp> to_master;  // on the newest stream
    bool half_close = false;
    uint64_t device_memory = 0;  // of the flavor in use, all its devices: remember it for scripts
                                 // to come; 0: nothing
    bool finished = false;       // close the driver's socket, end the process
  };

  explicit Holder(HolderOptions options) : options_(std::move(options)) {}

  void from_driver(const WireMessage& message, int64_t now_ms);
  void script_gone(int64_t now_ms);
  void located(Result<Platform> platform, int64_t now_ms);
  void from_master(const v1::SessionDown& message, int64_t now_ms);
  void stream_ended(const Status& status, int64_t now_ms);
  void advance(int64_t now_ms);
  std::optional<int64_t> next_deadline_ms() const;

  Actions take();
  // Its `resume` is that of the session to be continued now, empty before there is one.
  const Start& start() const { return start_; }
  const Platform& platform() const { return platform_; }

  // kAsleep: the local platform was stopped; the next Acquire starts another.
  enum class Link { kNew, kLocating, kConnecting, kAttached, kAway, kAsleep, kClosing, kDone };
  enum class Lease { kNone, kWanted, kRequested, kGranted };
  Link link() const { return link_; }
  Lease lease() const { return lease_; }

 private:
  void begin(const Start& start, int64_t now_ms);
  void open(int64_t now_ms);
  void opened(const v1::Opened& opened, int64_t now_ms);
  void granted(const v1::Granted& granted);
  void ended(const v1::Ended& ended);
  void waiting(const v1::Waiting& waiting);
  void acquire();
  void request();
  void give_back();
  void fail(const Status& status);
  void warn_if_away(int64_t now_ms);
  void line(uint8_t level, std::string text);
  void say_initializing();
  void say_connecting(const v1::Granted& granted);
  Granted to_driver(const v1::Granted& granted) const;
  void begin_again();
  void fall_asleep(const Status& why);
  void tell_master(v1::SessionUp message);  // now, or when the session was resumed

  HolderOptions options_;
  Start start_;
  std::vector<int64_t> ancestors_;
  Platform platform_;
  Link link_ = Link::kNew;
  Lease lease_ = Lease::kNone;
  std::string acquire_id_;  // of the request that is under way
  bool initializing_said_ = false;

  uint64_t session_id_ = 0;  // 0: never attached
  std::string resume_;
  v1::Opened opened_;
  std::optional<Granted> grant_;
  std::vector<v1::SessionUp> owed_;  // said while the master was away

  int64_t away_since_ms_ = 0;  // 0: not away
  bool away_warned_ = false;
  int64_t retry_ms_ = 0;
  int64_t deadline_ms_ = 0;  // of the state of the link; 0: none
  int64_t heartbeat_at_ms_ = 0;
  Actions actions_;
};

}  // namespace moai::session
