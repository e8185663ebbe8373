// Master: SDAManager as a running thing. One thread owns the site; everything else posts work to
// it.
//
// Work is done in batches: all that is queued, then one scheduling cycle, then one commit, then the
// replies and messages of the batch (group commit). When the commit fails, calls that changed
// something are answered with its error, messages are held back until a later commit succeeds, and
// no new work is accepted meanwhile; running jobs are not touched.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "moai/control/services/access.h"
#include "moai/control/site.h"
#include "moai/rpc/service.h"

namespace moai::control {

class Master final : public rpc::CoreHandler {
 public:
  // Loads the store and starts the owner thread.
  static Result<std::unique_ptr<Master>> start(Options options, std::unique_ptr<Store> store);
  ~Master() override;

  // Finishes queued work, commits and ends the owner thread. Call after the server has stopped.
  void stop();
  // An ADMIN token with this secret, if there is none yet; as many accelerators as devices.
  Status ensure_bootstrap_token(const std::string& secret);
  // Without a session for so long, and without a call but those that look on (listings, and
  // GetServer with `observe`).
  std::chrono::milliseconds idle_for() const;

  // Runs `work` on the owner's thread. RESOURCE_EXHAUSTED: too much work waits; UNAVAILABLE:
  // stopped.
  using Work = std::function<void(Site&)>;
  Status post(Work work);
  // Runs `work` and waits until its changes are committed.
  Status run(Work work);

  std::shared_ptr<rpc::Receiver<v1::SessionUp>> attach(const rpc::Caller&, SessionSender) override;
  std::shared_ptr<rpc::Receiver<v1::AgentUp>> attend(const rpc::Caller&, AgentSender) override;
#define MOAI_MASTER_CALL(Name, name, Request, Response) \
  void name(const rpc::Caller&, const v1::Request&, rpc::Reply<v1::Response>) override;
  MOAI_CORE_CALLS(MOAI_MASTER_CALL)
#undef MOAI_MASTER_CALL

 private:
  Master(Options options, std::unique_ptr<Store> store);
  template <class Request, class Response>
  void call(const rpc::Caller& caller, const char* name, const Request& request,
            rpc::Reply<Response> reply,
            Result<Response> (*service)(Site&, const Access&, const Request&));
  void loop();
  std::deque<Work> next_batch();
  void set_time(bool behind);  // behind: more waits than one batch takes
  void tick_if_due();
  Status commit();
  void send(const Status& committed);

  std::unique_ptr<Store> store_;
  Site site_;                                                  // owner thread
  std::vector<std::function<void(const Status&)>> replies_;    // owner thread: of this batch
  int64_t watched_ns_ = 0, ticked_ns_ = 0, committed_ns_ = 0;  // owner thread, the system's clock
  std::atomic<int64_t> active_ns_;                             // steady: last use, or session seen
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;  // guarded by mutex_
  bool stopping_ = false;   // guarded by mutex_
  std::thread thread_;
};

}  // namespace moai::control
