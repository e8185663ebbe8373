#include "moai/comm/collective/group.h"

#include <algorithm>
#include <tuple>

#include "moai/comm/collective/reduce.h"

namespace moai::comm {
namespace {

constexpr size_t kBytesMax = size_t{1} << 48;  // keeps sums of sizes far from overflow

const std::byte* bytes_of(const void* data) { return static_cast<const std::byte*>(data); }
std::byte* bytes_of(void* data) { return static_cast<std::byte*>(data); }

std::vector<uint64_t> list(std::span<const size_t> sizes) { return {sizes.begin(), sizes.end()}; }

Status check_sizes(std::span<const size_t> sizes, int ranks, const char* what) {
  if (sizes.size() != static_cast<size_t>(ranks)) {
    return invalid_argument(std::string("[comm.collective] ") + what +
                            " needs one size a rank: " + std::to_string(sizes.size()) + " for " +
                            std::to_string(ranks) + " ranks");
  }
  const auto over =
      std::find_if(sizes.begin(), sizes.end(), [](size_t s) { return s > kBytesMax; });
  if (over == sizes.end()) return ok_status();
  return invalid_argument(std::string("[comm.collective] ") + what + ": a size of " +
                          std::to_string(*over) + " is over " + std::to_string(kBytesMax));
}

// FNV-1a over words.
uint64_t hash(std::span<const uint64_t> words) {
  uint64_t h = 0xcbf29ce484222325u;
  for (uint64_t word : words) {
    for (int shift = 0; shift < 64; shift += 8) {
      h = (h ^ ((word >> shift) & 0xff)) * 0x100000001b3u;
    }
  }
  return h;
}

std::string mail_text(const char* what, int peer, uint64_t tag, size_t bytes) {
  return std::string(what) + " rank " + std::to_string(peer) + " of " + std::to_string(bytes) +
         " bytes with tag " + std::to_string(tag);
}

Status check_ranks(std::span<const int> ranks, int own, int size) {
  std::vector<int> sorted(ranks.begin(), ranks.end());
  std::sort(sorted.begin(), sorted.end());
  const bool twice = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
  if (!sorted.empty() && sorted.front() >= 0 && sorted.back() < size && !twice &&
      std::binary_search(sorted.begin(), sorted.end(), own)) {
    return ok_status();
  }
  std::string text;
  for (int rank : ranks) text += (text.empty() ? "" : ", ") + std::to_string(rank);
  return invalid_argument("[comm.collective] no subgroup for rank " + std::to_string(own) +
                          ": the list [" + text + "] must have it, and every rank once, below " +
                          std::to_string(size));
}

}  // namespace

std::vector<size_t> offsets_of(std::span<const uint64_t> sizes) {
  std::vector<size_t> offsets(sizes.size() + 1, 0);
  for (size_t i = 0; i < sizes.size(); ++i) offsets[i + 1] = offsets[i] + sizes[i];
  return offsets;
}

Status mismatch(int rank, const Operation& mine, int peer, const std::string& theirs) {
  return failed_precondition("[comm.collective] ranks ask for different things: rank " +
                             std::to_string(rank) + " for " + to_string(mine) + "; rank " +
                             std::to_string(peer) + " for " + theirs +
                             "; the programs of all ranks must make the same calls");
}

Status check_pair(size_t a, const Operation& of_a, size_t b, const Operation& of_b) {
  const size_t ranks = of_a.sizes.size() / 2;
  for (const auto& [from, sender, to, receiver] :
       {std::tuple(a, &of_a, b, &of_b), std::tuple(b, &of_b, a, &of_a)}) {
    if (sender->sizes[to] == receiver->sizes[ranks + from]) continue;
    return failed_precondition(
        "[comm.collective] ranks ask for different things: rank " + std::to_string(from) +
        " sends " + std::to_string(sender->sizes[to]) + " bytes to rank " + std::to_string(to) +
        ", which expects " + std::to_string(receiver->sizes[ranks + from]) + " in its " +
        to_string(*receiver) + "; the programs of all ranks must make the same calls");
  }
  return ok_status();
}

Status check_pairs(std::span<const Operation> of_ranks) {
  for (size_t a = 0; a < of_ranks.size(); ++a) {
    for (size_t b = 0; b <= a; ++b) {
      MOAI_RETURN_IF_ERROR(check_pair(a, of_ranks[a], b, of_ranks[b]));
    }
  }
  return ok_status();
}

Status wrong_letter(int peer, uint64_t tag, size_t sent, size_t wanted) {
  return failed_precondition("[comm.collective] rank " + std::to_string(peer) + " sent " +
                             std::to_string(sent) + " bytes with tag " + std::to_string(tag) +
                             ", " + std::to_string(wanted) +
                             " were asked for; both programs must name the same size");
}

template <class Describe, class Body>
Status Group::guarded(Describe describe, Body body) {
  Status status = ready();
  if (status.ok()) status = body();
  if (status.ok()) return status;
  fail(status);
  status = failure();
  return {status.code(), "[comm.collective] " + describe() + " failed on rank " +
                             std::to_string(members_[static_cast<size_t>(rank_)]) +
                             " in its group of " + std::to_string(size_) + ": " + status.message()};
}

Operation Group::next(OperationKind kind, std::vector<uint64_t> sizes) {
  return {.kind = kind, .call = ++calls_, .sizes = std::move(sizes)};
}

Status Group::all_reduce(void* data, size_t count, tensor::DType dtype,
                         tensor::Reduction reduction) {
  Operation operation = next(OperationKind::kAllReduce, {count});
  MOAI_RETURN_IF_ERROR(check_reducible(dtype, reduction));
  MOAI_RETURN_IF_ERROR(check_sizes({&count, 1}, 1, "all_reduce"));
  operation.dtype = dtype;
  operation.reduction = reduction;
  return guarded([&] { return to_string(operation); },
                 [&] { return run_all_reduce(operation, bytes_of(data)); });
}

Status Group::all_gather(const void* mine, std::span<const size_t> bytes, void* out) {
  const Operation operation = next(OperationKind::kAllGather, list(bytes));
  MOAI_RETURN_IF_ERROR(check_sizes(bytes, size_, "all_gather"));
  return guarded([&] { return to_string(operation); },
                 [&] { return run_all_gather(operation, bytes_of(mine), bytes_of(out)); });
}

Status Group::reduce_scatter(const void* in, std::span<const size_t> counts, void* out,
                             tensor::DType dtype, tensor::Reduction reduction) {
  Operation operation = next(OperationKind::kReduceScatter, list(counts));
  MOAI_RETURN_IF_ERROR(check_reducible(dtype, reduction));
  MOAI_RETURN_IF_ERROR(check_sizes(counts, size_, "reduce_scatter"));
  operation.dtype = dtype;
  operation.reduction = reduction;
  return guarded([&] { return to_string(operation); },
                 [&] { return run_reduce_scatter(operation, bytes_of(in), bytes_of(out)); });
}

Status Group::all_to_all(const void* in, std::span<const size_t> to, void* out,
                         std::span<const size_t> from) {
  Operation operation = next(OperationKind::kAllToAll, list(to));
  MOAI_RETURN_IF_ERROR(check_sizes(to, size_, "all_to_all"));
  MOAI_RETURN_IF_ERROR(check_sizes(from, size_, "all_to_all"));
  operation.sizes.insert(operation.sizes.end(), from.begin(), from.end());
  return guarded([&] { return to_string(operation); },
                 [&] { return run_all_to_all(operation, bytes_of(in), bytes_of(out)); });
}

Status Group::broadcast(void* data, size_t bytes, int root) {
  Operation operation = next(OperationKind::kBroadcast, {bytes});
  MOAI_RETURN_IF_ERROR(check_peer("broadcast", root));
  MOAI_RETURN_IF_ERROR(check_sizes({&bytes, 1}, 1, "broadcast"));
  operation.root = static_cast<uint32_t>(root);
  return guarded([&] { return to_string(operation); },
                 [&] { return run_broadcast(operation, bytes_of(data)); });
}

Status Group::barrier() {
  const Operation operation = next(OperationKind::kBarrier, {});
  return guarded([&] { return to_string(operation); }, [&] { return run_barrier(operation); });
}

Status Group::check_peer(const char* what, int peer) const {
  if (peer >= 0 && peer < size_) return ok_status();
  return invalid_argument(std::string("[comm.collective] ") + what + ": no rank " +
                          std::to_string(peer) + " among " + std::to_string(size_));
}

Status Group::check_other(const char* what, int peer) const {
  if (peer != rank_) return check_peer(what, peer);
  return invalid_argument(std::string("[comm.collective] ") + what + ": rank " +
                          std::to_string(peer) + " is this rank itself");
}

Status Group::send(int peer, uint64_t tag, const void* data, size_t bytes) {
  MOAI_RETURN_IF_ERROR(check_other("send", peer));
  MOAI_RETURN_IF_ERROR(check_sizes({&bytes, 1}, 1, "send"));
  return guarded([&] { return mail_text("send to", peer, tag, bytes); },
                 [&] { return run_send(peer, tag, {bytes_of(data), bytes}); });
}

Status Group::receive(int peer, uint64_t tag, void* data, size_t bytes) {
  MOAI_RETURN_IF_ERROR(check_other("receive", peer));
  MOAI_RETURN_IF_ERROR(check_sizes({&bytes, 1}, 1, "receive"));
  return guarded([&] { return mail_text("receive from", peer, tag, bytes); },
                 [&] { return run_receive(peer, tag, {bytes_of(data), bytes}); });
}

Status Group::check() {
  return guarded([] { return std::string("a look at its ranks"); }, [&] { return look_around(); });
}

void Group::abort(const Status& why) {
  fail(why.ok() ? internal_error("[comm.collective] aborted without a reason") : why);
}

Result<std::unique_ptr<Group>> Group::make_subgroup(std::span<const int> ranks) {
  MOAI_RETURN_IF_ERROR(check_ranks(ranks, rank_, size_));
  std::vector<uint64_t> words = {subgroups_[{ranks.begin(), ranks.end()}]++};
  words.insert(words.end(), ranks.begin(), ranks.end());
  return run_make_subgroup(hash(words), ranks);
}

}  // namespace moai::comm
