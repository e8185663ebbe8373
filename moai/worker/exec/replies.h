// Replies: where what a Worker says to its front goes.
#pragma once

#include <cstdint>
#include <string_view>

#include "moai/dispatch/messages.h"

namespace moai::worker {

// A reply that can not be sent is dropped: the connection is ending then, and who owns it knows.
class Replies {
 public:
  virtual ~Replies() = default;
  virtual void send(const dispatch::Message& message) = 0;
  // A Data without a copy of its bytes.
  virtual void send_data(dispatch::RequestId request, uint32_t range, std::string_view bytes) = 0;
};

}  // namespace moai::worker
