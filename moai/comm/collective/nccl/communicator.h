// NcclCommunicator: the ranks of a group, as NCCL knows them, working together on device memory.
//
// run() enqueues on a stream of the device and does not wait for what it enqueued; a rank enqueues
// what all others do, in the same order. It comes back when NCCL has taken the launch: the first
// ones wait for peers, which connect.
//
// Failure. A kernel of NCCL waits for ever for a peer that is gone. abort() ends it, from any
// thread, and every later call says why; memory that was to be written holds anything then. So who
// reads what a stream made looks at check() afterwards. No call waits past its deadline.
//
// One thread at a time; abort() and check() from any.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "moai/base/status.h"
#include "moai/comm/collective/nccl/library.h"
#include "moai/comm/collective/nccl/steps.h"
#include "moai/comm/link/link.h"

namespace moai::comm {

class NcclCommunicator {
 public:
  struct Place {
    int rank = 0;
    int size = 1;
    std::chrono::milliseconds patience = std::chrono::minutes(10);  // for a launch
  };
  // Waits for all ranks of the id until `deadline`. The calling thread's current device becomes the
  // rank's. UNAVAILABLE with NCCL's words where it fails, or what the interrupt says.
  static Result<std::unique_ptr<NcclCommunicator>> join(const NcclLibrary& library,
                                                        const nccl::UniqueId& id,
                                                        const Place& place, Deadline deadline,
                                                        const Interrupt& interrupt);
  // Aborts what close() did not end.
  ~NcclCommunicator();

  int rank() const { return place_.rank; }
  int size() const { return place_.size; }

  // All in one launch.
  Status run(const NcclSteps& steps, nccl::Stream stream);
  // Asks NCCL whether something failed meanwhile.
  Status check();
  // Ends what goes on. Only the first reason counts.
  void abort(const Status& why);
  // Ends it in good order, once the stream is done; other ranks do the same. Past the deadline, or
  // after a failure, it aborts.
  void close(Deadline deadline);

 private:
  NcclCommunicator(const NcclLibrary& library, const Place& place)
      : library_(library), place_(place) {}

  // All with mutex_ held; the comm is there.
  nccl::Code enqueue(const NcclStep& step, nccl::Stream stream) const;
  nccl::Code launch(const NcclSteps& steps, nccl::Stream stream) const;
  Status status_of(const char* what, nccl::Code code) const;
  // Waits until NCCL has taken what returned `code`.
  Status settle(std::unique_lock<std::mutex>* lock, const char* what, nccl::Code code,
                Deadline deadline, const Interrupt& interrupt = {});

  const NcclLibrary library_;
  const Place place_;
  std::mutex mutex_;
  // Both guarded by mutex_. Null once it is closed or aborted.
  nccl::Comm comm_ = nullptr;
  Status failure_;
};

}  // namespace moai::comm
