#include "moai/comm/collective/nccl/communicator.h"

#include <sched.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "moai/base/log.h"
#include "moai/comm/link/wait.h"

namespace moai::comm {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll{1};

bool is_fine(nccl::Code code) { return code == nccl::kSuccess || code == nccl::kInProgress; }

// What is given up is given up, whatever the library says.
void told(const NcclLibrary& library, const char* what, nccl::Code code) {
  if (!is_fine(code)) {
    log_warning(std::string("[comm.nccl] ") + what + ": " + library.error_string(code));
  }
}

Status closed() { return failed_precondition("[comm.nccl] the communicator was closed"); }

}  // namespace

Result<std::unique_ptr<NcclCommunicator>> NcclCommunicator::join(const NcclLibrary& library,
                                                                 const nccl::UniqueId& id,
                                                                 const Place& place,
                                                                 Deadline deadline,
                                                                 const Interrupt& interrupt) {
  std::unique_ptr<NcclCommunicator> made(new NcclCommunicator(library, place));
  nccl::Config config;
  config.blocking = 0;
  Status status;
  {
    std::unique_lock lock(made->mutex_);
    const nccl::Code code = library.init_rank(&made->comm_, place.size, id, place.rank, &config);
    status = made->settle(&lock, "ncclCommInitRankConfig", code, deadline, interrupt);
  }
  if (status.ok()) return made;
  made->abort(status);
  return status;
}

NcclCommunicator::~NcclCommunicator() { abort(closed()); }

Status NcclCommunicator::status_of(const char* what, nccl::Code code) const {
  if (code == nccl::kSuccess) return ok_status();
  std::string text = std::string("[comm.nccl] ") + what + " on rank " +
                     std::to_string(place_.rank) + " of " + std::to_string(place_.size) + ": " +
                     library_.error_string(code);
  const char* last = comm_ ? library_.last_error(comm_) : nullptr;
  if (last && *last) text += std::string(": ") + last;
  return unavailable(text);
}

Status NcclCommunicator::settle(std::unique_lock<std::mutex>* lock, const char* what,
                                nccl::Code code, Deadline deadline, const Interrupt& interrupt) {
  const auto start = steady_clock::now();
  while (code == nccl::kInProgress) {
    lock->unlock();
    const Status interrupted = interrupt ? interrupt() : ok_status();
    const auto now = steady_clock::now();
    if (now - start < kSpin) {
      ::sched_yield();
    } else {
      std::this_thread::sleep_for(kPoll);
    }
    lock->lock();
    if (!comm_) return failure_;
    MOAI_RETURN_IF_ERROR(interrupted);
    if (now >= deadline) {
      return deadline_exceeded(std::string("[comm.nccl] ") + what + " on rank " +
                               std::to_string(place_.rank) + " of " + std::to_string(place_.size) +
                               " did not end in time; does every rank make this call?");
    }
    if (const nccl::Code asked = library_.async_error(comm_, &code); asked != nccl::kSuccess) {
      code = asked;
    }
  }
  return status_of(what, code);
}

nccl::Code NcclCommunicator::enqueue(const NcclStep& s, nccl::Stream stream) const {
  using Kind = NcclStep::Kind;
  switch (s.kind) {
    case Kind::kAllReduce:
      return library_.all_reduce(s.in, s.out, s.count, s.type, s.op, comm_, stream);
    case Kind::kReduce:
      return library_.reduce(s.in, s.out, s.count, s.type, s.op, s.peer, comm_, stream);
    case Kind::kReduceScatter:
      return library_.reduce_scatter(s.in, s.out, s.count, s.type, s.op, comm_, stream);
    case Kind::kAllGather:
      return library_.all_gather(s.in, s.out, s.count, s.type, comm_, stream);
    case Kind::kBroadcast:
      return library_.broadcast(s.in, s.out, s.count, s.type, s.peer, comm_, stream);
    case Kind::kSend:
      return library_.send(s.in, s.count, s.type, s.peer, comm_, stream);
    case Kind::kReceive:
      return library_.receive(s.out, s.count, s.type, s.peer, comm_, stream);
  }
  return nccl::kInvalidArgument;
}

nccl::Code NcclCommunicator::launch(const NcclSteps& steps, nccl::Stream stream) const {
  if (const nccl::Code code = library_.group_start(); code != nccl::kSuccess) return code;
  nccl::Code wrong = nccl::kSuccess;
  for (const NcclStep& step : steps) {
    const nccl::Code code = enqueue(step, stream);
    if (is_fine(code)) continue;
    wrong = code;
    break;
  }
  // What was begun is ended, whatever came of it.
  const nccl::Code ended = library_.group_end();
  return wrong == nccl::kSuccess ? ended : wrong;
}

Status NcclCommunicator::run(const NcclSteps& steps, nccl::Stream stream) {
  std::unique_lock lock(mutex_);
  if (!comm_) return failure_;
  if (steps.empty()) return ok_status();
  return settle(&lock, "a launch", launch(steps, stream), steady_clock::now() + place_.patience);
}

Status NcclCommunicator::check() {
  const std::lock_guard lock(mutex_);
  if (!comm_) return failure_;
  nccl::Code code = nccl::kSuccess;
  const nccl::Code asked = library_.async_error(comm_, &code);
  if (asked != nccl::kSuccess) return status_of("ncclCommGetAsyncError", asked);
  return is_fine(code) ? ok_status() : status_of("what was enqueued", code);
}

// Without the lock: nobody waits for a library that takes its time, and nobody finds the comm.
void NcclCommunicator::abort(const Status& why) {
  nccl::Comm comm = nullptr;
  {
    const std::lock_guard lock(mutex_);
    comm = std::exchange(comm_, nullptr);
    if (failure_.ok()) failure_ = why;
  }
  if (comm) told(library_, "ncclCommAbort", library_.abort(comm));
}

void NcclCommunicator::close(Deadline deadline) {
  nccl::Comm comm = nullptr;
  {
    std::unique_lock lock(mutex_);
    if (!comm_) return;
    const Status ended = settle(&lock, "ncclCommFinalize", library_.finalize(comm_), deadline);
    if (ended.ok()) {
      failure_ = closed();
      comm = std::exchange(comm_, nullptr);
    }
  }
  if (comm) {
    told(library_, "ncclCommDestroy", library_.destroy(comm));
  } else {
    abort(closed());
  }
}

}  // namespace moai::comm
