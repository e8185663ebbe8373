#include "moai/rpc/server.h"

#include <grpcpp/grpcpp.h>

#include <deque>
#include <mutex>

#include "moai/rpc/quiet.h"
#include "moai/rpc/status.h"
#include "proto/moai/core.grpc.pb.h"

namespace moai::rpc {
namespace {

Caller caller_of(const grpc::CallbackServerContext& context) {
  Caller caller;
  caller.address = context.peer();
  constexpr std::string_view kBearer = "Bearer ";
  const auto& metadata = context.client_metadata();
  if (const auto it = metadata.find("authorization"); it != metadata.end()) {
    const std::string_view value(it->second.data(), it->second.size());
    if (value.substr(0, kBearer.size()) == kBearer) caller.token = value.substr(kBearer.size());
  }
  for (const grpc::string_ref& pem :
       context.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME)) {
    Result<identity::Identity> peer = identity::read_identity({pem.data(), pem.size()});
    if (peer.ok()) caller.peer = std::move(*peer);
  }
  return caller;
}

// The reactor of one stream and the Sender that the handler holds. gRPC's reactions never run at
// once with each other per kind; the mutex orders them with send() and finish().
template <class Up, class Down>
class StreamReactor final : public grpc::ServerBidiReactor<Up, Down> {
 public:
  class Handle final : public Sender<Down> {
   public:
    explicit Handle(StreamReactor* reactor) : reactor_(reactor) {}
    bool send(Down message) override {
      std::lock_guard lock(mutex_);
      return reactor_ && reactor_->queue(std::move(message));
    }
    void finish(const Status& status) override {
      std::lock_guard lock(mutex_);
      if (reactor_) reactor_->end(status);
    }
    void detach() {
      std::lock_guard lock(mutex_);
      reactor_ = nullptr;
    }

   private:
    std::mutex mutex_;
    StreamReactor* reactor_;  // until its OnDone
  };

  explicit StreamReactor(grpc::CallbackServerContext* context)
      : context_(context), handle_(std::make_shared<Handle>(this)) {}

  std::shared_ptr<Handle> handle() { return handle_; }

  void start(std::shared_ptr<Receiver<Up>> receiver) {
    receiver_ = std::move(receiver);
    this->StartRead(&incoming_);
  }

 private:
  bool queue(Down message) {
    std::lock_guard lock(mutex_);
    if (ending_) return false;
    if (outgoing_.size() >= kSendQueueMax) {
      end_locked(resource_exhausted("[rpc.server] the client does not read its messages"));
      return false;
    }
    outgoing_.push_back(std::move(message));
    if (!writing_) write_next();
    return true;
  }

  void end(const Status& status) {
    std::lock_guard lock(mutex_);
    end_locked(status);
  }

  void end_locked(const Status& status) {
    if (ending_) return;
    ending_ = true;
    status_ = to_grpc(status);
    if (!writing_) this->Finish(status_);
  }

  void write_next() {
    writing_ = true;
    this->StartWrite(&outgoing_.front());
  }

  void OnWriteDone(bool ok) override {
    std::lock_guard lock(mutex_);
    writing_ = false;
    outgoing_.pop_front();
    if (!ok) outgoing_.clear();
    if (!outgoing_.empty())
      write_next();
    else if (ending_)
      this->Finish(status_);
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      {
        std::lock_guard lock(deliver_);
        if (!told_closed_) receiver_->received(std::move(incoming_));
      }
      incoming_ = Up();
      this->StartRead(&incoming_);
      return;
    }
    half_closed_ = true;  // or broken: OnDone knows, when the status could be sent or not
    end(ok_status());
  }

  void OnCancel() override {
    closed(false);
    end(cancelled("[rpc.server] the stream was cancelled"));
  }

  void closed(bool clean) {
    std::lock_guard lock(deliver_);
    if (told_closed_) return;
    told_closed_ = true;
    receiver_->closed(clean);
  }

  void OnDone() override {
    handle_->detach();
    closed(half_closed_ && !context_->IsCancelled());
    delete this;
  }

  grpc::CallbackServerContext* context_;
  std::shared_ptr<Handle> handle_;  // shared with the handler, which may keep it longer
  std::shared_ptr<Receiver<Up>> receiver_;
  std::mutex deliver_;  // orders the receiver's calls; guards told_closed_
  bool told_closed_ = false;
  std::mutex mutex_;  // guards what is sent
  std::deque<Down> outgoing_;
  grpc::Status status_;
  bool writing_ = false, ending_ = false;
  Up incoming_;               // of the read under way
  bool half_closed_ = false;  // by reads, then by OnDone
};

template <class Request, class Response>
using Method = void (CoreHandler::*)(const Caller&, const Request&, Reply<Response>);

template <class Request, class Response>
grpc::ServerUnaryReactor* answer(CoreHandler* handler, Method<Request, Response> method,
                                 grpc::CallbackServerContext* context, const Request* request,
                                 Response* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  (handler->*method)(caller_of(*context), *request, [reactor, response](Result<Response> result) {
    if (result.ok()) *response = std::move(*result);
    reactor->Finish(to_grpc(result.status()));
  });
  return reactor;
}

class CoreService final : public v1::Core::CallbackService {
 public:
  explicit CoreService(CoreHandler* handler) : handler_(handler) {}
#define MOAI_CORE_SERVICE(Name, name, Request, Response)                                     \
  grpc::ServerUnaryReactor* Name(grpc::CallbackServerContext* context, const v1::Request* q, \
                                 v1::Response* r) override {                                 \
    return answer<v1::Request, v1::Response>(handler_, &CoreHandler::name, context, q, r);   \
  }
  MOAI_CORE_CALLS(MOAI_CORE_SERVICE)
#undef MOAI_CORE_SERVICE

 private:
  CoreHandler* handler_;
};

class SessionService final : public v1::Session::CallbackService {
 public:
  explicit SessionService(CoreHandler* handler) : handler_(handler) {}
  grpc::ServerBidiReactor<v1::SessionUp, v1::SessionDown>* Attach(
      grpc::CallbackServerContext* context) override {
    auto* reactor = new StreamReactor<v1::SessionUp, v1::SessionDown>(context);
    reactor->start(handler_->attach(caller_of(*context), reactor->handle()));
    return reactor;
  }

 private:
  CoreHandler* handler_;
};

class AgentsService final : public v1::Agents::CallbackService {
 public:
  explicit AgentsService(CoreHandler* handler) : handler_(handler) {}
  grpc::ServerBidiReactor<v1::AgentUp, v1::AgentDown>* Attend(
      grpc::CallbackServerContext* context) override {
    auto* reactor = new StreamReactor<v1::AgentUp, v1::AgentDown>(context);
    reactor->start(handler_->attend(caller_of(*context), reactor->handle()));
    return reactor;
  }

 private:
  CoreHandler* handler_;
};

class GrpcServer final : public Server {
 public:
  explicit GrpcServer(CoreHandler* handler) : core_(handler), session_(handler), agents_(handler) {}
  ~GrpcServer() override { stop(std::chrono::milliseconds(0)); }

  Status start(const ServerOptions& options) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(options.address, credentials(options), &port);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 10000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000);
    builder.RegisterService(&core_);
    builder.RegisterService(&session_);
    builder.RegisterService(&agents_);
    server_ = builder.BuildAndStart();
    if (!server_ || port == 0)
      return unavailable("[rpc.server] cannot listen on " + options.address);
    const size_t colon = options.address.rfind(':');
    address_ = options.address.substr(0, colon) + ":" + std::to_string(port);
    return ok_status();
  }

  std::string address() const override { return address_; }

  void stop(std::chrono::milliseconds drain) override {
    if (!server_) return;
    server_->Shutdown(std::chrono::system_clock::now() + drain);
    server_->Wait();
    server_.reset();
  }

 private:
  static std::shared_ptr<grpc::ServerCredentials> credentials(const ServerOptions& options) {
    if (options.certificate.empty()) return grpc::InsecureServerCredentials();
    grpc::SslServerCredentialsOptions ssl(options.ca.empty()
                                              ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                              : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
    ssl.pem_root_certs = options.ca;
    ssl.pem_key_cert_pairs.push_back({options.key, options.certificate});
    return grpc::SslServerCredentials(ssl);
  }

  CoreService core_;
  SessionService session_;
  AgentsService agents_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, CoreHandler* handler) {
  quiet_grpc();
  auto server = std::make_unique<GrpcServer>(handler);
  MOAI_RETURN_IF_ERROR(server->start(options));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace moai::rpc
