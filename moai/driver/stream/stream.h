// Stream: the way to whatever executes the commands of a job: one Worker, or several.
//
// There is no receiving thread: whoever waits receives for all (pump), one at a time, and the
// others sleep until something changed. So a result costs no hop between threads.
//
// Thread-safe. send(), end_step(), flush() and say_goodbye() may be called by one thread at a time;
// their caller sees to that.
#pragma once

#include "moai/base/status.h"
#include "moai/comm/link/link.h"
#include "moai/dispatch/messages.h"
#include "moai/session/job_report.h"

namespace moai::driver {

using Interrupt = comm::Interrupt;

class Stream {
 public:
  virtual ~Stream() = default;

  // Sends one message, or keeps it for the next flush(); may take what it holds, once it returns
  // OK. Waits for credit, looking at the interrupt every 100 ms; CANCELLED, which it alone returns,
  // means that the message was not sent and may be tried again. Any other error is final.
  virtual Status send(dispatch::Message* message, const Interrupt& interrupt) = 0;
  // An optimizer step ended here.
  virtual Status end_step(const Interrupt& interrupt) = 0;
  // Somebody waits for what was sent. Errors as those of send().
  virtual Status flush(const Interrupt& interrupt) = 0;

  // Receives one frame or sleeps until another thread did, for at most 100 ms. An error is final:
  // a link failed, or a Worker gave no sign of life for too long.
  virtual Status pump() = 0;
  // Takes what has come without waiting.
  virtual Status drain() = 0;

  // Breaks the connections; everybody who waits fails.
  virtual void close() = 0;
  // Tells the Workers that nothing follows.
  virtual void say_goodbye() = 0;
  // After close(): ends what goes on beside the job, and waits for it.
  virtual void end_threads() {}
  // In a forked child: closes the child's copies of descriptors.
  virtual void close_copy() = 0;

  // Whether a Worker has not yet given back the credit of all that was sent.
  virtual bool busy() const = 0;
  // How a job on several devices is shared among them. Any thread.
  virtual session::JobReport::Plan plan() const { return {}; }
  virtual comm::Link::Counters counters() const = 0;
  // The rank of the Worker whose link failed first.
  virtual size_t lost_rank() const = 0;
};

}  // namespace moai::driver
