// OneWorker: the stream of a job on one device. Each message goes on as it is.
#pragma once

#include <memory>
#include <utility>

#include "moai/driver/stream/exchange.h"
#include "moai/driver/stream/stream.h"

namespace moai::driver {

class OneWorker final : public Stream {
 public:
  explicit OneWorker(std::unique_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

  Status send(dispatch::Message* message, const Interrupt& interrupt) override {
    return exchange_->send(*message, interrupt);
  }
  Status end_step(const Interrupt&) override { return ok_status(); }
  Status flush(const Interrupt&) override { return ok_status(); }
  Status pump() override { return exchange_->pump(); }
  Status drain() override { return exchange_->drain(); }
  void close() override { exchange_->close(); }
  void say_goodbye() override { exchange_->say_goodbye(); }
  void close_copy() override { exchange_->close_copy(); }
  bool busy() const override { return exchange_->busy(); }
  comm::Link::Counters counters() const override { return exchange_->counters(); }
  size_t lost_rank() const override { return 0; }

 private:
  const std::unique_ptr<Exchange> exchange_;
};

}  // namespace moai::driver
