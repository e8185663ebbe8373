#include "moai/comm/collective/shared_mail.h"

#include <unistd.h>

#include <array>

#include "moai/comm/collective/copy.h"

namespace moai::comm {
namespace {

struct LetterHead {
  uint64_t tag = 0, bytes = 0;
};

constexpr uint64_t kLetterBytesMax = uint64_t{1} << 48;

}  // namespace

SharedMail::SharedMail(const Segment* segment, const Watch* watch, uint32_t self,
                       const GroupOptions& options)
    : segment_(*segment),
      watch_(*watch),
      self_(self),
      options_(options),
      outboxes_(segment->ranks()),
      letters_(segment->ranks()) {}

SharedMail::~SharedMail() {
  const auto end = std::chrono::steady_clock::now() + options_.linger;
  for (const auto& outbox : outboxes_) {
    if (!outbox) continue;
    outbox->flush(0, end, [this] { return segment_.failure(); }).ignore("nobody is left to tell");
  }
  closing_ = true;
}

Outbox& SharedMail::outbox(uint32_t peer) {
  if (!outboxes_[peer]) {
    outboxes_[peer] =
        std::make_unique<Outbox>([this, peer](auto parts) { return write(peer, parts); });
  }
  return *outboxes_[peer];
}

Status SharedMail::write(uint32_t peer, std::span<const std::string_view> parts) {
  const MailRing ring(&segment_, self_, peer);
  for (std::string_view part : parts) {
    while (!part.empty()) {
      MOAI_RETURN_IF_ERROR(watch_.wait(ring.taken(), ring.when_room(), peer, &closing_));
      const size_t n = std::min(part.size(), ring.room());
      ring.write(reinterpret_cast<const std::byte*>(part.data()), n);
      part.remove_prefix(n);
    }
  }
  return ok_status();
}

Status SharedMail::read(uint32_t peer, std::byte* data, size_t bytes) {
  const MailRing ring(&segment_, peer, self_);
  while (bytes > 0) {
    MOAI_RETURN_IF_ERROR(watch_.wait(ring.written(), ring.when_waiting(), peer));
    const size_t n = std::min(bytes, ring.waiting());
    ring.read(data, n);
    data += n;
    bytes -= n;
  }
  return ok_status();
}

Status SharedMail::send(uint32_t peer, uint64_t tag, std::span<const std::byte> content) {
  const LetterHead head{.tag = tag, .bytes = content.size()};
  std::string head_bytes(reinterpret_cast<const char*>(&head), sizeof head);
  const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
  const bool fits = MailRing(&segment_, self_, peer).room() >= sizeof head + content.size();
  Outbox& out = outbox(peer);
  MOAI_RETURN_IF_ERROR(out.send(0, fits, std::move(head_bytes), text, Outbox::Content::kCopied));
  const auto deadline = std::chrono::steady_clock::now() + options_.patience;
  return out.flush(std::max<size_t>(options_.send_ahead_bytes, 1), deadline,
                   [this] { return segment_.failure(); });
}

Status SharedMail::receive(uint32_t peer, uint64_t tag, std::span<std::byte> content) {
  auto& by_tag = letters_[peer].by_tag;
  if (const auto found = by_tag.find(tag); found != by_tag.end()) {
    const std::string letter = std::move(found->second.front());
    found->second.pop_front();
    if (found->second.empty()) by_tag.erase(found);
    if (letter.size() != content.size()) {
      return wrong_letter(static_cast<int>(peer), tag, letter.size(), content.size());
    }
    copy_bytes(content.data(), letter.data(), letter.size());
    return ok_status();
  }
  while (true) {
    LetterHead head;
    MOAI_RETURN_IF_ERROR(read(peer, reinterpret_cast<std::byte*>(&head), sizeof head));
    if (head.bytes > kLetterBytesMax) {
      return data_loss("[comm.collective] a message of " + std::to_string(head.bytes) +
                       " bytes from rank " + std::to_string(peer) + "; is its memory damaged?");
    }
    if (head.tag == tag && head.bytes != content.size()) {
      return wrong_letter(static_cast<int>(peer), tag, head.bytes, content.size());
    }
    if (head.tag == tag) return read(peer, content.data(), content.size());
    std::string letter(head.bytes, '\0');
    MOAI_RETURN_IF_ERROR(read(peer, reinterpret_cast<std::byte*>(letter.data()), letter.size()));
    by_tag[head.tag].push_back(std::move(letter));
  }
}

}  // namespace moai::comm
