#include "moai/comm/collective/linked_group.h"

#include <algorithm>

#include "moai/comm/collective/copy.h"
#include "moai/comm/collective/reduce.h"

namespace moai::comm {
namespace {

constexpr size_t kPartBytes = size_t{256} << 10;  // whole elements of every type

size_t parts_of(size_t bytes) { return std::max<size_t>(1, (bytes + kPartBytes - 1) / kPartBytes); }

size_t part_size(size_t bytes, size_t number) {
  return std::min(kPartBytes, bytes - number * kPartBytes);
}

std::string_view text(const std::byte* data, size_t bytes) {
  return {reinterpret_cast<const char*>(data), bytes};
}

const std::byte* bytes_of(const Letter& letter) {
  return reinterpret_cast<const std::byte*>(letter.content().data());
}

}  // namespace

LinkedGroup::LinkedGroup(std::shared_ptr<const Mesh> mesh, uint64_t id, int rank,
                         std::vector<int> members)
    : Group(rank, std::move(members)),
      mesh_(std::move(mesh)),
      id_(id),
      self_(static_cast<size_t>(rank)),
      ranks_(this->members().size()) {}

LinkedGroup::~LinkedGroup() {
  if (::getpid() != owner_) return;
  const auto end = std::chrono::steady_clock::now() + mesh_->options.linger;
  const Interrupt lingered = [end] {
    return std::chrono::steady_clock::now() < end ? ok_status() : cancelled("lingered");
  };
  for (size_t peer : others()) {
    lane(peer)
        .send({.kind = FrameKind::kLeave, .group = id_}, {}, Outbox::Content::kCopied)
        .ignore("a peer that is gone needs no goodbye");
    lane(peer).flush(id_, 0, lingered).ignore("whoever still needs it will miss it and say so");
    lane(peer).forget(id_);
  }
}

std::vector<size_t> LinkedGroup::others() const {
  std::vector<size_t> others;
  for (size_t step = 1; step < ranks_; ++step) others.push_back((self_ + step) % ranks_);
  return others;
}

Status LinkedGroup::failure() const {
  if (!failed_) return ok_status();
  const std::lock_guard lock(mutex_);
  return failure_;
}

void LinkedGroup::fail(const Status& why) {
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return;
    failure_ = why;
    failed_ = true;
  }
  for (size_t peer : others()) {
    lane(peer)
        .send({.kind = FrameKind::kAbort, .group = id_, .code = why.code()}, why.message(),
              Outbox::Content::kCopied)
        .ignore("a peer that is gone cannot be told");
  }
}

Status LinkedGroup::look() const {
  MOAI_RETURN_IF_ERROR(failure());
  for (size_t peer : others()) MOAI_RETURN_IF_ERROR(lane(peer).listen(id_));
  return ok_status();
}

Status LinkedGroup::look(const Call& call) const {
  MOAI_RETURN_IF_ERROR(look());
  for (size_t peer : others()) {
    const std::string first = lane(peer).first_operation(id_);
    if (first.empty() || first == call.encoded) continue;
    const auto theirs = decode_operation(first);
    // A peer may be done with this call, and ask for the next.
    if (theirs && theirs->call > call.operation.call) continue;
    if (auto fits = check(call, peer, first); !fits.ok()) return fits.status();
  }
  return ok_status();
}

Status LinkedGroup::post_part(const Call& call, size_t peer, uint64_t number, const std::byte* data,
                              size_t bytes) const {
  FrameHeader header = {
      .kind = FrameKind::kPart, .group = id_, .operation = call.encoded, .number = number};
  return lane(peer).send(std::move(header), text(data, bytes), Outbox::Content::kBorrowed);
}

Status LinkedGroup::post(const Call& call, size_t peer, const std::byte* data, size_t bytes) const {
  for (size_t number = 0; number < parts_of(bytes); ++number) {
    MOAI_RETURN_IF_ERROR(
        post_part(call, peer, number, data + number * kPartBytes, part_size(bytes, number)));
  }
  return ok_status();
}

Result<Operation> LinkedGroup::check(const Call& call, size_t peer,
                                     const std::string& operation) const {
  const bool pairs = call.operation.kind == OperationKind::kAllToAll;
  if (operation == call.encoded && !pairs) return call.operation;
  auto theirs = decode_operation(operation);
  if (theirs && agree(call.operation, *theirs)) {
    if (pairs) MOAI_RETURN_IF_ERROR(check_pair(self_, call.operation, peer, *theirs));
    return *std::move(theirs);
  }
  return mismatch(member(self_), call.operation, member(peer),
                  theirs ? to_string(*theirs) : "something unreadable");
}

Result<Letter> LinkedGroup::take_part(const Call& call, size_t peer, uint64_t number,
                                      size_t bytes) const {
  MOAI_ASSIGN_OR_RETURN(Letter letter, lane(peer).take(id_, false, 0, [&] { return look(call); }));
  if (auto fits = check(call, peer, letter.header.operation); !fits.ok()) return fits.status();
  if (letter.header.number == number && letter.content().size() == bytes) return letter;
  return data_loss("[comm.collective] rank " + std::to_string(member(peer)) + " sends part " +
                   std::to_string(letter.header.number) + " of " +
                   std::to_string(letter.content().size()) + " bytes where rank " +
                   std::to_string(member(self_)) + " expects part " + std::to_string(number) +
                   " of " + std::to_string(bytes) + "; do all ranks run the same build?");
}

Result<Operation> LinkedGroup::take(const Call& call, size_t peer, std::byte* data,
                                    size_t bytes) const {
  Operation theirs;
  for (size_t number = 0; number < parts_of(bytes); ++number) {
    const size_t size = part_size(bytes, number);
    MOAI_ASSIGN_OR_RETURN(const Letter letter, take_part(call, peer, number, size));
    if (number == 0) {
      MOAI_ASSIGN_OR_RETURN(theirs, check(call, peer, letter.header.operation));
    }
    copy_bytes(data + number * kPartBytes, letter.content().data(), size);
  }
  return theirs;
}

Status LinkedGroup::settle(Status status) const {
  for (size_t peer : others()) {
    if (status.ok()) status = lane(peer).flush(id_, 0, [this] { return look(); });
  }
  if (status.ok()) return status;
  for (size_t peer : others()) lane(peer).withdraw(id_);
  return status;
}

Status LinkedGroup::run_barrier(const Operation& operation) {
  const Call call = {operation, encode(operation)};
  Status status;
  for (size_t peer : others()) {
    if (status.ok()) status = post(call, peer, nullptr, 0);
  }
  for (size_t peer : others()) {
    if (status.ok()) status = take(call, peer, nullptr, 0).status();
  }
  return settle(status);
}

Status LinkedGroup::run_all_reduce(const Operation& operation, std::byte* data) {
  const Call call = {operation, encode(operation)};
  const size_t bytes = operation.sizes[0] * tensor::dtype_size(operation.dtype);
  const bool whole = bytes * ranks_ <= kWholeBytes || ranks_ == 1;
  return settle(whole ? reduce_whole(call, data) : reduce_shared(call, data));
}

Status LinkedGroup::reduce_whole(const Call& call, std::byte* data) const {
  const Operation& operation = call.operation;
  const size_t count = operation.sizes[0];
  const size_t bytes = count * tensor::dtype_size(operation.dtype);
  if (ranks_ > 1) {
    for (size_t peer : others()) MOAI_RETURN_IF_ERROR(post_part(call, peer, 0, data, bytes));
  }
  std::vector<Letter> letters(ranks_);
  std::vector<const std::byte*> parts(ranks_);
  for (size_t peer : others()) {
    MOAI_ASSIGN_OR_RETURN(letters[peer], take_part(call, peer, 0, bytes));
    parts[peer] = bytes_of(letters[peer]);
  }
  parts[self_] = data;
  // Sent to all before it changes.
  for (size_t peer : others()) {
    MOAI_RETURN_IF_ERROR(lane(peer).flush(id_, 0, [this] { return look(); }));
  }
  reduce(parts, count, operation.dtype, operation.reduction, data);
  return ok_status();
}

Status LinkedGroup::reduce_own(const Call& call, const std::byte* mine, size_t bytes,
                               std::byte* out, bool post_results) const {
  const Operation& operation = call.operation;
  std::vector<Letter> letters(ranks_);
  std::vector<const std::byte*> parts(ranks_);
  for (size_t number = 0; number < parts_of(bytes); ++number) {
    const size_t at = number * kPartBytes, size = part_size(bytes, number);
    for (size_t peer : others()) {
      MOAI_ASSIGN_OR_RETURN(letters[peer], take_part(call, peer, number, size));
      parts[peer] = bytes_of(letters[peer]);
    }
    parts[self_] = mine + at;
    reduce(parts, size / tensor::dtype_size(operation.dtype), operation.dtype, operation.reduction,
           out + at);
    if (!post_results) continue;
    for (size_t peer : others()) {
      MOAI_RETURN_IF_ERROR(post_part(call, peer, number, out + at, size));
    }
  }
  return ok_status();
}

Status LinkedGroup::reduce_shared(const Call& call, std::byte* data) const {
  const size_t element = tensor::dtype_size(call.operation.dtype);
  const size_t count = call.operation.sizes[0];
  const auto share = [&](size_t r) { return share_begin(count, r, ranks_) * element; };
  for (size_t peer : others()) {
    MOAI_RETURN_IF_ERROR(post(call, peer, data + share(peer), share(peer + 1) - share(peer)));
  }
  std::byte* mine = data + share(self_);
  MOAI_RETURN_IF_ERROR(reduce_own(call, mine, share(self_ + 1) - share(self_), mine, true));
  // The share of a peer has left for it before its results can come.
  for (size_t peer : others()) {
    const size_t size = share(peer + 1) - share(peer);
    if (auto taken = take(call, peer, data + share(peer), size); !taken.ok()) return taken.status();
  }
  return ok_status();
}

Status LinkedGroup::run_reduce_scatter(const Operation& operation, const std::byte* in,
                                       std::byte* out) {
  const Call call = {operation, encode(operation)};
  const size_t element = tensor::dtype_size(operation.dtype);
  const std::vector<size_t> at = offsets_of(operation.sizes);
  Status status;
  for (size_t peer : others()) {
    if (!status.ok()) break;
    status = post(call, peer, in + at[peer] * element, operation.sizes[peer] * element);
  }
  if (status.ok()) {
    status =
        reduce_own(call, in + at[self_] * element, operation.sizes[self_] * element, out, false);
  }
  return settle(status);
}

Status LinkedGroup::run_all_gather(const Operation& operation, const std::byte* mine,
                                   std::byte* out) {
  const Call call = {operation, encode(operation)};
  const std::vector<size_t> at = offsets_of(operation.sizes);
  copy_bytes(out + at[self_], mine, operation.sizes[self_]);
  Status status;
  for (size_t peer : others()) {
    if (status.ok()) status = post(call, peer, out + at[self_], operation.sizes[self_]);
  }
  for (size_t peer : others()) {
    if (status.ok()) {
      status = take(call, peer, out + at[peer], operation.sizes[peer]).status();
    }
  }
  return settle(status);
}

Status LinkedGroup::run_all_to_all(const Operation& operation, const std::byte* in,
                                   std::byte* out) {
  const Call call = {operation, encode(operation)};
  const std::span<const uint64_t> sizes = operation.sizes;
  const std::vector<size_t> in_at = offsets_of(sizes.first(ranks_));
  const std::vector<size_t> out_at = offsets_of(sizes.last(ranks_));
  std::vector<Operation> asked(ranks_, operation);
  const auto run = [&]() -> Status {
    for (size_t r : others()) {
      MOAI_RETURN_IF_ERROR(post(call, r, in + in_at[r], sizes[r]));
    }
    for (size_t r : others()) {
      MOAI_ASSIGN_OR_RETURN(asked[r], take(call, r, out + out_at[r], sizes[ranks_ + r]));
    }
    MOAI_RETURN_IF_ERROR(check_pairs(asked));
    copy_bytes(out + out_at[self_], in + in_at[self_], sizes[self_]);
    return ok_status();
  };
  return settle(run());
}

Status LinkedGroup::run_broadcast(const Operation& operation, std::byte* data) {
  const Call call = {operation, encode(operation)};
  const size_t root = operation.root, bytes = operation.sizes[0];
  Status status;
  if (self_ != root) {
    status = post(call, root, nullptr, 0);
    return settle(status.ok() ? take(call, root, data, bytes).status() : status);
  }
  for (size_t peer : others()) {
    if (status.ok()) status = take(call, peer, nullptr, 0).status();
  }
  for (size_t peer : others()) {
    if (status.ok()) status = post(call, peer, data, bytes);
  }
  return settle(status);
}

Status LinkedGroup::run_send(int peer, uint64_t tag, std::span<const std::byte> content) {
  Lane& to = lane(static_cast<size_t>(peer));
  MOAI_RETURN_IF_ERROR(to.send({.kind = FrameKind::kMail, .group = id_, .number = tag},
                               text(content.data(), content.size()), Outbox::Content::kCopied));
  return to.flush(id_, std::max<size_t>(mesh_->options.send_ahead_bytes, 1),
                  [this] { return look(); });
}

Status LinkedGroup::run_receive(int peer, uint64_t tag, std::span<std::byte> content) {
  Lane& from = lane(static_cast<size_t>(peer));
  MOAI_ASSIGN_OR_RETURN(const Letter letter, from.take(id_, true, tag, [this] { return look(); }));
  if (letter.content().size() != content.size()) {
    return wrong_letter(peer, tag, letter.content().size(), content.size());
  }
  copy_bytes(content.data(), letter.content().data(), content.size());
  return ok_status();
}

}  // namespace moai::comm
