#include "moai/comm/collective/shared_memory_group.h"

#include <algorithm>
#include <numeric>

#include "moai/comm/collective/copy.h"
#include "moai/comm/collective/reduce.h"

namespace moai::comm {
namespace {

// How much of `total` lies in the piece that starts at `begin`.
size_t rest(size_t total, size_t begin, size_t most) {
  return begin >= total ? 0 : std::min(most, total - begin);
}

std::vector<int> members_of(const SharedMemoryOptions& options) {
  if (!options.members.empty()) return options.members;
  std::vector<int> members(static_cast<size_t>(options.size));
  std::iota(members.begin(), members.end(), 0);
  return members;
}

}  // namespace

SharedMemoryGroup::SharedMemoryGroup(std::shared_ptr<Segment> segment,
                                     const SharedMemoryOptions& options)
    : Group(options.rank, members_of(options)),
      segment_(std::move(segment)),
      options_(options),
      self_(static_cast<uint32_t>(options.rank)),
      ranks_(static_cast<uint32_t>(options.size)),
      watch_(segment_.get(), self_, options.group, members()),
      mail_(std::make_unique<SharedMail>(segment_.get(), &watch_, self_, options.group)) {}

SharedMemoryGroup::~SharedMemoryGroup() {
  if (::getpid() != owner_) {
    // Its threads and locks are those of the parent.
    [[maybe_unused]] const SharedMail* leaked = mail_.release();
    return;
  }
  mail_.reset();
  segment_->leave(self_, options_.group.linger);
}

std::byte* SharedMemoryGroup::slot(uint32_t rank) const {
  return segment_->content(rank, round_ & 1);
}

Status SharedMemoryGroup::begin() {
  for (uint32_t peer = 0; peer < ranks_; ++peer) {
    if (peer == self_) continue;
    MOAI_RETURN_IF_ERROR(watch_.wait(&segment_->rank(peer).released, round_ - 1, peer));
  }
  return ok_status();
}

Status SharedMemoryGroup::meet(const Operation* beginning) {
  const std::string head = beginning ? encode(*beginning) : std::string();
  segment_->set_head(self_, round_ & 1, head);
  raise_signal(&segment_->rank(self_).published, round_ + 1);
  for (uint32_t step = 1; step < ranks_; ++step) {
    const uint32_t peer = (self_ + step) % ranks_;
    MOAI_RETURN_IF_ERROR(watch_.wait(&segment_->rank(peer).published, round_ + 1, peer));
    MOAI_RETURN_IF_ERROR(check_head(peer, beginning, head));
  }
  return ok_status();
}

Status SharedMemoryGroup::check_head(uint32_t peer, const Operation* beginning,
                                     std::string_view own_head) const {
  const std::string_view head = segment_->head(peer, round_ & 1);
  if (head == own_head) return ok_status();
  const auto theirs = decode_operation(head);
  if (beginning && theirs && agree(*beginning, *theirs)) return ok_status();
  return mismatch(member(self_), beginning ? *beginning : Operation(), member(peer),
                  theirs ? to_string(*theirs) : "something unreadable");
}

void SharedMemoryGroup::end() { raise_signal(&segment_->rank(self_).released, ++round_); }

size_t SharedMemoryGroup::piece_bytes(size_t element) const {
  const size_t others = std::max<size_t>(ranks_ - 1, 1);
  const size_t bytes = segment_->slot_bytes() / others;
  return bytes >= 64 * element ? bytes / (64 * element) * (64 * element) : element;
}

std::byte* SharedMemoryGroup::piece(uint32_t writer, uint32_t reader, size_t bytes) const {
  return slot(writer) + (reader < writer ? reader : reader - 1) * bytes;
}

Status SharedMemoryGroup::run_barrier(const Operation& operation) {
  MOAI_RETURN_IF_ERROR(begin());
  MOAI_RETURN_IF_ERROR(meet(&operation));
  end();
  return ok_status();
}

Status SharedMemoryGroup::run_all_reduce(const Operation& operation, std::byte* data) {
  const size_t element = tensor::dtype_size(operation.dtype), count = operation.sizes[0];
  const size_t bytes = count * element;
  if (bytes <= segment_->slot_bytes() && bytes * ranks_ <= kWholeBytes) {
    return reduce_whole(operation, data);
  }
  if (ranks_ == 1) {
    const std::byte* part = data;
    reduce({&part, 1}, count, operation.dtype, operation.reduction, data);
    return ok_status();
  }
  const size_t chunk = piece_bytes(element) / element * ranks_;
  const Operation* beginning = &operation;
  for (size_t at = 0; at < count; at += chunk, beginning = nullptr) {
    MOAI_RETURN_IF_ERROR(
        reduce_chunk(beginning, operation, data + at * element, std::min(chunk, count - at)));
  }
  return ok_status();
}

Status SharedMemoryGroup::reduce_whole(const Operation& operation, std::byte* data) {
  const size_t count = operation.sizes[0];
  MOAI_RETURN_IF_ERROR(begin());
  copy_bytes(own(), data, count * tensor::dtype_size(operation.dtype));
  MOAI_RETURN_IF_ERROR(meet(&operation));
  std::vector<const std::byte*> parts(ranks_);
  for (uint32_t r = 0; r < ranks_; ++r) parts[r] = slot(r);
  reduce(parts, count, operation.dtype, operation.reduction, data);
  end();
  return ok_status();
}

Status SharedMemoryGroup::reduce_chunk(const Operation* beginning, const Operation& operation,
                                       std::byte* data, size_t count) {
  const size_t element = tensor::dtype_size(operation.dtype), bytes = piece_bytes(element);
  const auto share = [&](uint32_t r) { return share_begin(count, r, ranks_) * element; };
  MOAI_RETURN_IF_ERROR(begin());
  for (uint32_t r = 0; r < ranks_; ++r) {
    if (r != self_) copy_bytes(piece(self_, r, bytes), data + share(r), share(r + 1) - share(r));
  }
  MOAI_RETURN_IF_ERROR(meet(beginning));
  std::byte* mine = data + share(self_);
  const size_t mine_bytes = share(self_ + 1) - share(self_);
  std::vector<const std::byte*> parts(ranks_);
  for (uint32_t r = 0; r < ranks_; ++r) parts[r] = r == self_ ? mine : piece(r, self_, bytes);
  reduce(parts, mine_bytes / element, operation.dtype, operation.reduction, mine);
  end();
  MOAI_RETURN_IF_ERROR(begin());
  copy_bytes(own(), mine, mine_bytes);
  MOAI_RETURN_IF_ERROR(meet(nullptr));
  for (uint32_t step = 1; step < ranks_; ++step) {
    const uint32_t r = (self_ + step) % ranks_;
    copy_bytes(data + share(r), slot(r), share(r + 1) - share(r));
  }
  end();
  return ok_status();
}

Status SharedMemoryGroup::run_all_gather(const Operation& operation, const std::byte* mine,
                                         std::byte* out) {
  const std::vector<size_t> offsets = offsets_of(operation.sizes);
  const size_t most = segment_->slot_bytes();
  const size_t longest = *std::max_element(operation.sizes.begin(), operation.sizes.end());
  copy_bytes(out + offsets[self_], mine, operation.sizes[self_]);
  const Operation* beginning = &operation;
  size_t at = 0;
  do {
    MOAI_RETURN_IF_ERROR(begin());
    copy_bytes(own(), out + offsets[self_] + at, rest(operation.sizes[self_], at, most));
    MOAI_RETURN_IF_ERROR(meet(beginning));
    for (uint32_t r = 0; r < ranks_; ++r) {
      if (r != self_)
        copy_bytes(out + offsets[r] + at, slot(r), rest(operation.sizes[r], at, most));
    }
    end();
    beginning = nullptr;
    at += most;
  } while (at < longest);
  return ok_status();
}

Status SharedMemoryGroup::run_reduce_scatter(const Operation& operation, const std::byte* in,
                                             std::byte* out) {
  const size_t element = tensor::dtype_size(operation.dtype), bytes = piece_bytes(element);
  const std::vector<size_t> offsets = offsets_of(operation.sizes);
  const size_t longest =
      *std::max_element(operation.sizes.begin(), operation.sizes.end()) * element;
  const Operation* beginning = &operation;
  size_t at = 0;
  do {
    const auto left = [&](uint32_t r) { return rest(operation.sizes[r] * element, at, bytes); };
    MOAI_RETURN_IF_ERROR(begin());
    for (uint32_t r = 0; r < ranks_; ++r) {
      if (r != self_) copy_bytes(piece(self_, r, bytes), in + offsets[r] * element + at, left(r));
    }
    MOAI_RETURN_IF_ERROR(meet(beginning));
    std::vector<const std::byte*> parts(ranks_);
    for (uint32_t r = 0; r < ranks_; ++r) {
      parts[r] = r == self_ ? in + offsets[r] * element + at : piece(r, self_, bytes);
    }
    reduce(parts, left(self_) / element, operation.dtype, operation.reduction, out + at);
    end();
    beginning = nullptr;
    at += bytes;
  } while (at < longest);
  return ok_status();
}

Result<size_t> SharedMemoryGroup::longest_exchange() const {
  std::vector<Operation> asked;
  size_t longest = 0;
  for (uint32_t r = 0; r < ranks_; ++r) {
    auto operation = decode_operation(segment_->head(r, round_ & 1));
    if (!operation || operation->sizes.size() != size_t{2} * ranks_) {
      return data_loss("[comm.collective] rank " + std::to_string(r) +
                       " shows no operation; is its memory damaged?");
    }
    longest = std::max<size_t>(longest,
                               *std::max_element(operation->sizes.begin(), operation->sizes.end()));
    asked.push_back(*std::move(operation));
  }
  MOAI_RETURN_IF_ERROR(check_pairs(asked));
  return longest;
}

Status SharedMemoryGroup::run_all_to_all(const Operation& operation, const std::byte* in,
                                         std::byte* out) {
  const size_t bytes = piece_bytes(1);
  const std::span<const uint64_t> to = std::span(operation.sizes).first(ranks_);
  const std::span<const uint64_t> from = std::span(operation.sizes).last(ranks_);
  const std::vector<size_t> in_at = offsets_of(to), out_at = offsets_of(from);
  size_t longest = 0;  // known after the first round
  size_t at = 0;
  do {
    MOAI_RETURN_IF_ERROR(begin());
    for (uint32_t r = 0; r < ranks_; ++r) {
      if (r != self_)
        copy_bytes(piece(self_, r, bytes), in + in_at[r] + at, rest(to[r], at, bytes));
    }
    MOAI_RETURN_IF_ERROR(meet(at == 0 ? &operation : nullptr));
    if (at == 0) {
      MOAI_ASSIGN_OR_RETURN(longest, longest_exchange());
      copy_bytes(out + out_at[self_], in + in_at[self_], from[self_]);
    }
    for (uint32_t r = 0; r < ranks_; ++r) {
      if (r == self_) continue;
      copy_bytes(out + out_at[r] + at, piece(r, self_, bytes), rest(from[r], at, bytes));
    }
    end();
    at += bytes;
  } while (at < longest);
  return ok_status();
}

Status SharedMemoryGroup::run_broadcast(const Operation& operation, std::byte* data) {
  const size_t most = segment_->slot_bytes(), bytes = operation.sizes[0];
  const Operation* beginning = &operation;
  size_t at = 0;
  do {
    const size_t n = rest(bytes, at, most);
    MOAI_RETURN_IF_ERROR(begin());
    if (self_ == operation.root) copy_bytes(own(), data + at, n);
    MOAI_RETURN_IF_ERROR(meet(beginning));
    if (self_ != operation.root) copy_bytes(data + at, slot(operation.root), n);
    end();
    beginning = nullptr;
    at += most;
  } while (at < bytes);
  return ok_status();
}

Status SharedMemoryGroup::run_send(int peer, uint64_t tag, std::span<const std::byte> content) {
  return mail_->send(static_cast<uint32_t>(peer), tag, content);
}

Status SharedMemoryGroup::run_receive(int peer, uint64_t tag, std::span<std::byte> content) {
  return mail_->receive(static_cast<uint32_t>(peer), tag, content);
}

}  // namespace moai::comm
