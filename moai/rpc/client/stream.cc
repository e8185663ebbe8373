#include "moai/rpc/client/stream.h"

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "moai/rpc/client/grpc_channel.h"
#include "moai/rpc/status.h"
#include "proto/moai/core.grpc.pb.h"

namespace moai::rpc {
namespace {

// One mutex guards everything; gRPC's reactions come on its threads.
template <class Up, class Down, class Stub>
class GrpcStream final : public Stream<Up, Down>, grpc::ClientBidiReactor<Up, Down> {
 public:
  GrpcStream(std::shared_ptr<Channel> channel, std::unique_ptr<Stub> stub)
      : channel_(std::move(channel)), stub_(std::move(stub)) {
    as_grpc(*channel_).prepare(&context_);
  }

  // Called once, when the concrete call has been made on the stub.
  template <class Call>
  void start(Call call) {
    call(stub_->async(), &context_, static_cast<grpc::ClientBidiReactor<Up, Down>*>(this));
    this->AddHold();  // writes are started from outside of reactions
    this->StartRead(&incoming_);
    this->StartCall();
  }

  ~GrpcStream() override {
    context_.TryCancel();
    std::unique_lock lock(mutex_);
    release_hold(lock);
    done_.wait(lock, [&] { return status_.has_value(); });
  }

  Status send(const Up& message) override {
    std::unique_lock lock(mutex_);
    if (status_ || read_over_ || half_closed_)
      return unavailable("[rpc.stream] the stream is over");
    if (outgoing_.size() >= kStreamQueueMax)
      return resource_exhausted("[rpc.stream] too many messages wait to be sent");
    outgoing_.push_back(message);
    if (!writing_) write_next(lock);
    return ok_status();
  }

  Result<Down> receive(std::chrono::steady_clock::time_point deadline) override {
    std::unique_lock lock(mutex_);
    arrived_.wait_until(lock, deadline, [&] { return !received_.empty() || status_; });
    if (!received_.empty()) {
      Down message = std::move(received_.front());
      received_.pop_front();
      return message;
    }
    if (!status_) return deadline_exceeded("[rpc.stream] no message in time");
    if (status_->ok()) return Status(Code::kOutOfRange, "[rpc.stream] ended by the server");
    return *status_;
  }

  void half_close() override {
    std::unique_lock lock(mutex_);
    if (half_closed_ || status_) return;
    half_closed_ = true;
    if (!writing_) finish_writes(lock);
  }

  void cancel() override { context_.TryCancel(); }

 private:
  void write_next(std::unique_lock<std::mutex>&) {
    writing_ = true;
    this->StartWrite(&outgoing_.front());
  }

  void finish_writes(std::unique_lock<std::mutex>& lock) {
    this->StartWritesDone();
    release_hold(lock);
  }

  void release_hold(std::unique_lock<std::mutex>&) {
    if (!held_) return;
    held_ = false;
    this->RemoveHold();
  }

  void OnWriteDone(bool ok) override {
    std::unique_lock lock(mutex_);
    writing_ = false;
    if (!ok || read_over_) {
      outgoing_.clear();
      release_hold(lock);
      return;
    }
    outgoing_.pop_front();
    if (!outgoing_.empty())
      write_next(lock);
    else if (half_closed_)
      finish_writes(lock);
  }

  void OnReadDone(bool ok) override {
    std::unique_lock lock(mutex_);
    if (ok) {
      received_.push_back(std::move(incoming_));
      incoming_ = Down();
      this->StartRead(&incoming_);
      arrived_.notify_all();
    } else {
      read_over_ = true;  // the status follows once nothing holds the call
      if (!writing_) release_hold(lock);
    }
  }

  void OnDone(const grpc::Status& status) override {
    std::unique_lock lock(mutex_);
    status_ = from_grpc(status);
    arrived_.notify_all();
    done_.notify_all();
  }

  std::shared_ptr<Channel> channel_;  // outlives the call
  std::unique_ptr<Stub> stub_;
  grpc::ClientContext context_;
  std::mutex mutex_;
  std::condition_variable arrived_, done_;
  std::deque<Up> outgoing_;
  std::deque<Down> received_;
  Down incoming_;
  std::optional<Status> status_;
  bool writing_ = false, half_closed_ = false, held_ = true, read_over_ = false;
};

}  // namespace

std::unique_ptr<SessionStream> attach(const std::shared_ptr<Channel>& channel) {
  auto stream = std::make_unique<GrpcStream<v1::SessionUp, v1::SessionDown, v1::Session::Stub>>(
      channel, v1::Session::NewStub(as_grpc(*channel).channel()));
  stream->start([](auto* stub, auto* context, auto* reactor) { stub->Attach(context, reactor); });
  return stream;
}

std::unique_ptr<AgentStream> attend(const std::shared_ptr<Channel>& channel) {
  auto stream = std::make_unique<GrpcStream<v1::AgentUp, v1::AgentDown, v1::Agents::Stub>>(
      channel, v1::Agents::NewStub(as_grpc(*channel).channel()));
  stream->start([](auto* stub, auto* context, auto* reactor) { stub->Attend(context, reactor); });
  return stream;
}

}  // namespace moai::rpc
