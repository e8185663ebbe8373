// The gRPC side of Channel. Only this room includes it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "moai/rpc/client/channel.h"

namespace moai::rpc {

class GrpcChannel final : public Channel {
 public:
  GrpcChannel(ChannelOptions options, std::shared_ptr<grpc::Channel> channel)
      : options_(std::move(options)), channel_(std::move(channel)) {}

  Status wait_connected(std::chrono::steady_clock::time_point deadline) override;
  const ChannelOptions& options() const override { return options_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  // Adds the caller's token.
  void prepare(grpc::ClientContext* context) const;

 private:
  ChannelOptions options_;
  std::shared_ptr<grpc::Channel> channel_;  // shared with the stubs, as gRPC wants it
};

inline const GrpcChannel& as_grpc(const Channel& channel) {
  return static_cast<const GrpcChannel&>(channel);
}

// gRPC takes wall-clock deadlines.
std::chrono::system_clock::time_point wall_deadline(std::chrono::steady_clock::time_point deadline);

}  // namespace moai::rpc
