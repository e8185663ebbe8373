// Exchange: the connection to one Worker. Sends messages under its credit, receives its replies.
//
// There is no receiving thread: whoever waits receives for all (pump), one at a time, and the
// others sleep until something changed. So a result costs no hop between threads.
//
// Thread-safe. send() may be called by one thread at a time; its caller sees to that.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "moai/base/status.h"
#include "moai/comm/link/link.h"
#include "moai/dispatch/messages.h"
#include "moai/driver/stream/answers.h"
#include "moai/driver/stream/stream.h"
#include "moai/graph/signature_table.h"

namespace moai::driver {

struct ExchangeOptions {
  // Without a sign of life of the Worker: on another machine, which may have vanished, and on this
  // one, where it is slow at worst.
  std::chrono::milliseconds silence_max{5000}, silence_max_here{60000};
};

class Exchange {
 public:
  // Takes a fresh link and greets the Worker. `answers` and `signatures` must outlive the Exchange.
  // Errors: what the Worker refused with, how the link failed, or what the interrupt said.
  static Result<std::unique_ptr<Exchange>> open(std::unique_ptr<comm::Link> link,
                                                const dispatch::Hello& hello,
                                                const graph::SignatureTable* signatures,
                                                Answers* answers, const Interrupt& interrupt,
                                                ExchangeOptions options = {});

  // The same over a link on which the Worker has said Welcome (greeting.h).
  static std::unique_ptr<Exchange> over(std::unique_ptr<comm::Link> link, dispatch::Welcome welcome,
                                        const graph::SignatureTable* signatures, Answers* answers,
                                        ExchangeOptions options = {});

  // Sends one message, after the signatures that it may name. Waits for credit, looking at the
  // interrupt every 100 ms; CANCELLED, which it alone returns, means that the message was not sent
  // and may be tried again. Any other error is final.
  Status send(const dispatch::Message& message, const Interrupt& interrupt);

  // Receives one frame or sleeps until another thread did, for at most 100 ms. An error is final:
  // the link failed, or the Worker gave no sign of life for too long.
  Status pump();
  // Takes what has come without waiting.
  Status drain();

  // Breaks the connection; everybody who waits fails.
  void close();
  // Tells the Worker that nothing follows. Like send(), by one thread at a time.
  void say_goodbye();
  // In a forked child: closes the child's copy of the descriptor.
  void close_copy();

  // Whether the Worker has not yet given back the credit of all that was sent.
  bool busy() const { return in_flight_.load(std::memory_order_relaxed) != 0; }

  const dispatch::Welcome& welcome() const { return welcome_; }
  comm::Link::Counters counters() const { return link_->counters(); }
  // Why the Worker ended, if it said so.
  Status ending();

 private:
  Exchange(std::unique_ptr<comm::Link> link, const graph::SignatureTable* signatures,
           Answers* answers, ExchangeOptions options)
      : link_(std::move(link)),
        signatures_(signatures),
        answers_(answers),
        silence_max_(link_->same_machine() ? options.silence_max_here : options.silence_max) {}

  Status define_signatures(const Interrupt& interrupt);
  Status send_frame(std::span<const std::string_view> parts, const Interrupt& interrupt);
  void hear_out();
  Status receive(std::chrono::milliseconds most);
  Status handle(std::string frame);
  Status end_with(const Status& status);

  std::unique_ptr<comm::Link> link_;
  const graph::SignatureTable* signatures_;
  Answers* answers_;
  const std::chrono::milliseconds silence_max_;
  dispatch::Welcome welcome_;
  size_t signatures_sent_ = 0;  // of the sending thread
  std::string buffer_;          // of the sending thread
  std::atomic<uint64_t> in_flight_{0};
  std::mutex receiving_;                  // held by the thread that receives
  std::chrono::milliseconds silence_{0};  // guarded by receiving_: listened to without a frame
  std::mutex ending_mutex_;
  Status ending_;  // guarded by ending_mutex_
};

}  // namespace moai::driver
