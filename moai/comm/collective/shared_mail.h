// SharedMail: send and receive in shared memory; internal to the shared memory group.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/comm/collective/group.h"
#include "moai/comm/collective/mail_ring.h"
#include "moai/comm/collective/outbox.h"
#include "moai/comm/collective/watch.h"

namespace moai::comm {

class SharedMail {
 public:
  // `segment` and `watch` outlive this.
  SharedMail(const Segment* segment, const Watch* watch, uint32_t self,
             const GroupOptions& options);
  // Waits up to GroupOptions::linger for what was sent to be taken; not at all once the group
  // failed.
  ~SharedMail();

  Status send(uint32_t peer, uint64_t tag, std::span<const std::byte> content);
  Status receive(uint32_t peer, uint64_t tag, std::span<std::byte> content);

 private:
  struct Letters {
    std::map<uint64_t, std::deque<std::string>> by_tag{};  // came before they were asked for
  };

  Outbox& outbox(uint32_t peer);
  Status write(uint32_t peer, std::span<const std::string_view> parts);
  Status read(uint32_t peer, std::byte* data, size_t bytes);

  const Segment& segment_;
  const Watch& watch_;
  const uint32_t self_;
  const GroupOptions options_;
  std::atomic<bool> closing_{false};
  std::vector<std::unique_ptr<Outbox>> outboxes_;  // made when used
  std::vector<Letters> letters_;
};

}  // namespace moai::comm
