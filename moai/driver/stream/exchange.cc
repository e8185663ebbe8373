#include "moai/driver/stream/exchange.h"

#include <unistd.h>

#include <array>

#include "moai/driver/stream/greeting.h"

namespace moai::driver {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPatience{100};
constexpr milliseconds kLastWordsMax{500};
constexpr size_t kSignaturesAtOnce = 256;

}  // namespace

Result<std::unique_ptr<Exchange>> Exchange::open(std::unique_ptr<comm::Link> link,
                                                 const dispatch::Hello& hello,
                                                 const graph::SignatureTable* signatures,
                                                 Answers* answers, const Interrupt& interrupt,
                                                 ExchangeOptions options) {
  auto self = over(std::move(link), {}, signatures, answers, options);
  MOAI_RETURN_IF_ERROR(say_hello(*self->link_, hello, self->silence_max_));
  MOAI_ASSIGN_OR_RETURN(
      self->welcome_,
      await_welcome(*self->link_, steady_clock::now() + self->silence_max_, interrupt));
  return self;
}

std::unique_ptr<Exchange> Exchange::over(std::unique_ptr<comm::Link> link,
                                         dispatch::Welcome welcome,
                                         const graph::SignatureTable* signatures, Answers* answers,
                                         ExchangeOptions options) {
  std::unique_ptr<Exchange> self(new Exchange(std::move(link), signatures, answers, options));
  self->welcome_ = std::move(welcome);
  return self;
}

// ---- sending

Status Exchange::send(const dispatch::Message& message, const Interrupt& interrupt) {
  if (signatures_sent_ < signatures_->size()) MOAI_RETURN_IF_ERROR(define_signatures(interrupt));
  buffer_.clear();
  if (const auto* upload = std::get_if<dispatch::Upload>(&message)) {
    dispatch::upload_header(upload->storage, upload->storage_bytes, upload->offset,
                            upload->bytes.size(), &buffer_);
    const std::array<std::string_view, 2> parts{buffer_, upload->bytes};
    return send_frame(parts, interrupt);
  }
  dispatch::encode(message, &buffer_);
  const std::string_view part = buffer_;
  return send_frame({&part, 1}, interrupt);
}

Status Exchange::define_signatures(const Interrupt& interrupt) {
  const size_t known = signatures_->size();
  while (signatures_sent_ < known) {
    dispatch::DefineSignatures define;
    define.first = static_cast<graph::SignatureId>(signatures_sent_);
    const size_t end = std::min(known, signatures_sent_ + kSignaturesAtOnce);
    for (size_t id = signatures_sent_; id < end; ++id) {
      define.signatures.push_back(signatures_->at(static_cast<graph::SignatureId>(id)).signature());
    }
    buffer_.clear();
    dispatch::encode(define, &buffer_);
    const std::string_view part = buffer_;
    MOAI_RETURN_IF_ERROR(send_frame({&part, 1}, interrupt));
    signatures_sent_ = end;
  }
  return ok_status();
}

Status Exchange::send_frame(std::span<const std::string_view> parts, const Interrupt& interrupt) {
  uint64_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  auto look_again = steady_clock::now() + kPatience;
  while (in_flight_ != 0 && in_flight_ + size > welcome_.credit_bytes) {
    MOAI_RETURN_IF_ERROR(pump());
    if (!interrupt || steady_clock::now() < look_again) continue;
    MOAI_RETURN_IF_ERROR(interrupt());
    look_again = steady_clock::now() + kPatience;
  }
  in_flight_ += size;
  const Status sent = link_->send(parts, silence_max_);
  if (sent.ok()) return sent;
  hear_out();
  return end_with(sent);
}

// A Worker that is gone may have said why, unread so far.
void Exchange::hear_out() {
  const auto give_up = steady_clock::now() + kLastWordsMax;
  const std::lock_guard leader(receiving_);
  while (link_->readable() && steady_clock::now() < give_up) {
    if (!receive(kPatience).ok()) return;
  }
}

// ---- receiving

Status Exchange::pump() {
  const uint64_t seen = answers_->changes();
  std::unique_lock leader(receiving_, std::try_to_lock);
  if (!leader.owns_lock()) {
    answers_->wait(seen, kPatience);
    return ok_status();
  }
  const Status status = receive(kPatience);
  leader.unlock();
  answers_->notify();  // somebody else may receive now
  return status.code() == Code::kDeadlineExceeded ? ok_status() : status;
}

Status Exchange::drain() {
  std::unique_lock leader(receiving_, std::try_to_lock);
  if (!leader.owns_lock()) return ok_status();
  bool any = false;
  while (link_->readable()) {
    any = true;
    const Status status = receive(kPatience);
    if (status.code() == Code::kDeadlineExceeded) break;
    MOAI_RETURN_IF_ERROR(status);
  }
  leader.unlock();
  if (any) answers_->notify();
  return ok_status();
}

// One frame. DEADLINE_EXCEEDED: none came, which is no failure yet.
Status Exchange::receive(milliseconds most) {
  auto frame = link_->receive(steady_clock::now() + most, {});
  if (frame.ok()) {
    silence_ = {};
    return handle(std::move(*frame));
  }
  if (frame.status().code() != Code::kDeadlineExceeded) return end_with(frame.status());
  silence_ += most;  // counts listening, not the time that a stopped process slept
  if (silence_ < silence_max_) return frame.status();
  return end_with(unavailable("The Worker gave no sign of life for " +
                              std::to_string(silence_max_.count() / 1000) + " s (" + link_->peer() +
                              ")"));
}

Status Exchange::handle(std::string frame) {
  if (dispatch::data_view(frame)) {
    const Status status = answers_->data(std::move(frame));
    return status.ok() ? status : end_with(status);
  }
  auto decoded = dispatch::decode(frame);
  if (!decoded.ok()) return end_with(decoded.status());
  dispatch::Message& message = *decoded;
  if (const auto* credit = std::get_if<dispatch::Credit>(&message)) {
    in_flight_ -= std::min(in_flight_.load(), credit->bytes);
    answers_->told(credit->memory);
  } else if (auto* answer = std::get_if<dispatch::Answer>(&message)) {
    const Status status = answers_->answer(std::move(*answer));
    if (!status.ok()) return end_with(status);
  } else if (auto* reached = std::get_if<dispatch::Reached>(&message)) {
    answers_->reached(*reached);
  } else if (auto* fault = std::get_if<dispatch::Fault>(&message)) {
    answers_->fault(*fault);
  } else if (const auto* state = std::get_if<dispatch::WindowState>(&message)) {
    answers_->window(*state);
  } else if (auto* ending = std::get_if<dispatch::Ending>(&message)) {
    const std::lock_guard lock(ending_mutex_);
    ending_ = Status(ending->code, ending->text);
  } else if (!std::holds_alternative<dispatch::Ping>(message)) {
    return end_with(internal_error("[driver.exchange] the Worker sent what only a front sends"));
  }
  return ok_status();
}

// The connection is over; the link stays broken for everybody.
Status Exchange::end_with(const Status& status) {
  link_->close();
  const Status said = ending();
  if (!said.ok()) return said;
  // CANCELLED is the word of interrupts alone.
  return status.code() == Code::kCancelled ? unavailable(status.message()) : status;
}

Status Exchange::ending() {
  const std::lock_guard lock(ending_mutex_);
  return ending_;
}

void Exchange::close() { link_->close(); }

void Exchange::say_goodbye() {
  std::string frame;
  dispatch::encode(dispatch::Goodbye{}, &frame);
  const std::string_view part = frame;
  link_->send({&part, 1}, milliseconds(500)).ignore("the end of the link says the same");
}

void Exchange::close_copy() {
  if (link_->descriptor() >= 0) ::close(link_->descriptor());
}

}  // namespace moai::driver
