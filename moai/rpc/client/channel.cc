#include "moai/rpc/client/channel.h"

#include "moai/rpc/client/grpc_channel.h"
#include "moai/rpc/quiet.h"

namespace moai::rpc {
namespace {

constexpr int kKeepaliveMs = 10000;
constexpr int kKeepaliveTimeoutMs = 5000;
constexpr int kReconnectMaxMs = 1000;
constexpr int kConnectMsMax = 5000;

grpc::ChannelArguments arguments(const ChannelOptions& options) {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // Despite its name, how long one attempt may take, TLS handshake included.
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMsMax);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Two masters on one machine must not share a connection of another's credentials.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (!options.server_name.empty()) args.SetSslTargetNameOverride(options.server_name);
  return args;
}

}  // namespace

Result<std::shared_ptr<Channel>> Channel::open(const ChannelOptions& options) {
  quiet_grpc();
  if (options.address.empty()) return invalid_argument("[rpc.channel] no address of SDAManager");
  if (options.certificate.empty() != options.key.empty())
    return invalid_argument("[rpc.channel] a client certificate needs its key");
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (!options.ca.empty()) {
    grpc::SslCredentialsOptions ssl;
    ssl.pem_root_certs = options.ca;
    ssl.pem_cert_chain = options.certificate;
    ssl.pem_private_key = options.key;
    credentials = grpc::SslCredentials(ssl);
  }
  return std::shared_ptr<Channel>(std::make_shared<GrpcChannel>(
      options, grpc::CreateCustomChannel(options.address, credentials, arguments(options))));
}

Status GrpcChannel::wait_connected(std::chrono::steady_clock::time_point deadline) {
  if (channel_->WaitForConnected(wall_deadline(deadline))) return ok_status();
  return unavailable("[rpc.channel] SDAManager cannot be reached: " + options_.address);
}

void GrpcChannel::prepare(grpc::ClientContext* context) const {
  if (!options_.token.empty()) context->AddMetadata("authorization", "Bearer " + options_.token);
}

std::chrono::system_clock::time_point wall_deadline(
    std::chrono::steady_clock::time_point deadline) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(
             deadline - std::chrono::steady_clock::now());
}

}  // namespace moai::rpc
