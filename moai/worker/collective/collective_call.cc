#include "moai/worker/collective/collective_call.h"

#include <algorithm>

#include "moai/ops/call_tensors.h"
#include "moai/tensor/along.h"
#include "moai/tensor/reduction.h"

namespace moai::worker {
namespace {

using ops::Arg;
using ops::ArgKind;
using tensor::Along;
using tensor::Geometry;

constexpr std::string_view kOperators[] = {"moai::all_reduce", "moai::all_gather",
                                           "moai::reduce_scatter", "moai::all_to_all"};

uint64_t bytes_of(const Geometry& g) {
  return static_cast<uint64_t>(tensor::element_count(g)) * tensor::dtype_size(g.dtype);
}
uint64_t offset_of(const Geometry& g) {
  return static_cast<uint64_t>(g.offset) * tensor::dtype_size(g.dtype);
}

// Bytes of a share for each rank.
std::vector<size_t> share_bytes(const Along& whole, const std::vector<int64_t>& shares) {
  std::vector<size_t> bytes;
  for (const int64_t n : shares) bytes.push_back(static_cast<size_t>(whole.with_size(n).bytes()));
  return bytes;
}

// Shares one after the other, from where they lie in the whole; and back.
std::string packed(const std::string& whole, const Along& of, const std::vector<int64_t>& shares) {
  std::string parts(whole.size(), '\0');
  int64_t begin = 0, at = 0;
  for (const int64_t n : shares) {
    tensor::copy_along(whole.data(), of, at, n, parts.data() + begin, of.with_size(n), 0);
    begin += of.with_size(n).bytes();
    at += n;
  }
  return parts;
}
std::string unpacked(const std::string& parts, const Along& of,
                     const std::vector<int64_t>& shares) {
  std::string whole(parts.size(), '\0');
  int64_t begin = 0, at = 0;
  for (const int64_t n : shares) {
    tensor::copy_along(parts.data() + begin, of.with_size(n), 0, n, whole.data(), of, at);
    begin += of.with_size(n).bytes();
    at += n;
  }
  return whole;
}

class CollectiveCall : public device::Call {
 public:
  CollectiveCall(const ops::CallSignature& s, device::Device* device, Groups* groups,
                 comm::Group* group)
      : signature_(s), device_(*device), group_(*group), groups_(*groups) {
    for (const Arg* a : ops::tensor_operands(signature_)) operands_.push_back(a->geometry);
  }

  Status run(std::span<device::Buffer* const> operands, std::span<const uint64_t>,
             std::span<device::BufferPtr> fresh) final {
    const Status status = exchange(operands, fresh);
    if (!status.ok()) groups_.abort(status);
    return status;
  }
  void skipped(const Status& why) override { groups_.abort(why); }

  Result<std::vector<device::DynamicValue>> ask(std::span<device::Buffer* const>,
                                                std::span<const uint64_t>) override {
    return unimplemented("[worker.collective] " + signature_.op + " has no unknown shape");
  }

 protected:
  virtual Status exchange(std::span<device::Buffer* const> operands,
                          std::span<device::BufferPtr> fresh) = 0;

  // Bytes of the operands, one after the other.
  Result<std::string> taken(std::span<device::Buffer* const> operands) {
    std::string all;
    for (size_t i = 0; i < operands_.size(); ++i) {  // one, of all but all_reduce
      const uint64_t bytes = bytes_of(operands_[i]), begin = all.size();
      if (bytes == 0) continue;
      all.resize(begin + bytes);
      MOAI_RETURN_IF_ERROR(
          device_.copy_out(*operands[i], offset_of(operands_[i]), bytes, all.data() + begin));
    }
    return all;
  }
  Status make(std::string_view bytes, device::BufferPtr* out) {
    if (bytes.empty()) return ok_status();
    groups_.count_received(bytes.size());
    MOAI_ASSIGN_OR_RETURN(*out, device_.allocate(bytes.size()));
    return device_.copy_in(out->get(), 0, bytes);
  }
  const Geometry& operand() const { return operands_[0]; }
  const Geometry& result() const { return signature_.results[0].geometry; }

  const ops::CallSignature signature_;
  std::vector<Geometry> operands_;
  device::Device& device_;
  comm::Group& group_;
  Groups& groups_;
};

class AllReduce final : public CollectiveCall {
 public:
  using CollectiveCall::CollectiveCall;

  Status exchange(std::span<device::Buffer* const> operands,
                  std::span<device::BufferPtr>) override {
    const std::span<char> all = groups_.scratch(total_bytes());
    const auto each = [&](const auto& move) {
      uint64_t begin = 0;
      for (size_t i = 0; i < operands_.size(); ++i) {
        const uint64_t bytes = bytes_of(operands_[i]);
        if (bytes != 0) MOAI_RETURN_IF_ERROR(move(i, all.data() + begin, bytes));
        begin += bytes;
      }
      return ok_status();
    };
    MOAI_RETURN_IF_ERROR(each([&](size_t i, char* at, uint64_t bytes) {
      return device_.copy_out(*operands[i], offset_of(operands_[i]), bytes, at);
    }));
    const tensor::DType dtype = operand().dtype;
    MOAI_RETURN_IF_ERROR(group_.all_reduce(all.data(), all.size() / tensor::dtype_size(dtype),
                                           dtype,
                                           *tensor::reduction_from_name(signature_.args[1].text)));
    groups_.count_received(all.size());
    return each([&](size_t i, const char* at, uint64_t bytes) {
      return device_.copy_in(operands[i], offset_of(operands_[i]), {at, bytes});
    });
  }

 private:
  uint64_t total_bytes() const {
    uint64_t all = 0;
    for (const Geometry& g : operands_) all += bytes_of(g);
    return all;
  }
};

class AllGather final : public CollectiveCall {
 public:
  using CollectiveCall::CollectiveCall;

  Status exchange(std::span<device::Buffer* const> operands,
                  std::span<device::BufferPtr> fresh) override {
    MOAI_ASSIGN_OR_RETURN(const std::string mine, taken(operands));
    const auto dimension = static_cast<size_t>(signature_.args[1].ints[0]);
    const std::vector<int64_t>& shares = signature_.args[2].ints;
    const Along whole = tensor::along(result(), dimension);
    std::string parts(bytes_of(result()), '\0');
    MOAI_RETURN_IF_ERROR(group_.all_gather(mine.data(), share_bytes(whole, shares), parts.data()));
    return make(unpacked(parts, whole, shares), &fresh[0]);
  }
};

class ReduceScatter final : public CollectiveCall {
 public:
  using CollectiveCall::CollectiveCall;

  Status exchange(std::span<device::Buffer* const> operands,
                  std::span<device::BufferPtr> fresh) override {
    MOAI_ASSIGN_OR_RETURN(const std::string mine, taken(operands));
    const auto dimension = static_cast<size_t>(signature_.args[1].ints[0]);
    const std::vector<int64_t>& shares = signature_.args[2].ints;
    const Along whole = tensor::along(operand(), dimension);
    const tensor::DType dtype = operand().dtype;
    const std::string parts = packed(mine, whole, shares);
    std::string out(bytes_of(result()), '\0');
    std::vector<size_t> counts = share_bytes(whole, shares);
    for (size_t& n : counts) n /= tensor::dtype_size(dtype);
    MOAI_RETURN_IF_ERROR(
        group_.reduce_scatter(parts.data(), counts, out.data(), dtype,
                              *tensor::reduction_from_name(signature_.args[3].text)));
    return make(out, &fresh[0]);
  }
};

// From shares of one dimension to shares of another.
class AllToAll final : public CollectiveCall {
 public:
  using CollectiveCall::CollectiveCall;

  Status exchange(std::span<device::Buffer* const> operands,
                  std::span<device::BufferPtr> fresh) override {
    MOAI_ASSIGN_OR_RETURN(const std::string mine, taken(operands));
    const auto gathered = static_cast<size_t>(signature_.args[1].ints[0]);
    const auto scattered = static_cast<size_t>(signature_.args[3].ints[0]);
    const std::vector<int64_t>& had = signature_.args[2].ints;
    const std::vector<int64_t>& gets = signature_.args[4].ints;
    const Along here = tensor::along(operand(), scattered);
    const Along there = tensor::along(result(), gathered);
    const std::string parts = packed(mine, here, gets);
    std::string came(bytes_of(result()), '\0');
    MOAI_RETURN_IF_ERROR(group_.all_to_all(parts.data(), share_bytes(here, gets), came.data(),
                                           share_bytes(there, had)));
    return make(unpacked(came, there, had), &fresh[0]);
  }
};

// ---- whether a signature is one

bool is_plain(const Geometry& g) { return g.flags == 0 && tensor::is_contiguous(g); }
bool is_number(const Arg& a) { return a.kind == ArgKind::kInt && a.ints.size() == 1; }

// Shares along a dimension of `whole`, of which this rank's operand or result is `mine`.
bool are_shares(const Arg& dimension, const Arg& shares, const comm::Group& group,
                const Geometry& mine, const Geometry& whole) {
  if (!is_number(dimension) || shares.kind != ArgKind::kIntList) return false;
  const int64_t d = dimension.ints[0];
  if (d < 0 || d >= static_cast<int64_t>(whole.sizes.size())) return false;
  if (shares.ints.size() != static_cast<size_t>(group.size())) return false;
  if (std::ranges::any_of(shares.ints, [](int64_t n) { return n < 0; })) return false;
  Geometry expected = whole;
  expected.sizes[static_cast<size_t>(d)] = shares.ints[static_cast<size_t>(group.rank())];
  return mine.sizes == expected.sizes && mine.dtype == whole.dtype &&
         tensor::begin_of(shares.ints, shares.ints.size()) == whole.sizes[static_cast<size_t>(d)];
}

bool is_reduction(const Arg& a) {
  return a.kind == ArgKind::kString && tensor::reduction_from_name(a.text).has_value();
}

bool is_all_reduce(const ops::CallSignature& s) {
  if (s.args.size() != 3 || !is_reduction(s.args[1])) return false;
  const auto operands = ops::tensor_operands(s);
  return !operands.empty() && std::ranges::all_of(operands, [&](const Arg* a) {
    return a->written && is_plain(a->geometry) && a->geometry.dtype == operands[0]->geometry.dtype;
  });
}

// The others have one operand and one result.
bool moves(const ops::CallSignature& s) {
  return !s.args.empty() && s.args[0].kind == ArgKind::kTensor && is_plain(s.args[0].geometry) &&
         s.results.size() == 1 && s.results[0].kind == ops::ResultKind::kFresh &&
         is_plain(s.results[0].geometry);
}

bool is_sound(const ops::CallSignature& s, const comm::Group& group) {
  if (s.op == "moai::all_reduce") return is_all_reduce(s);
  if (!moves(s)) return false;
  const std::vector<Arg>& a = s.args;
  const Geometry& in = a[0].geometry;
  const Geometry& out = s.results[0].geometry;
  if (s.op == "moai::all_gather") return a.size() == 4 && are_shares(a[1], a[2], group, in, out);
  if (s.op == "moai::reduce_scatter") {
    return a.size() == 5 && is_reduction(a[3]) && are_shares(a[1], a[2], group, out, in);
  }
  if (a.size() != 6 || !is_number(a[1]) || !is_number(a[3])) return false;
  // In between all of both dimensions would be there.
  const int64_t d = a[3].ints[0];
  if (d < 0 || d >= static_cast<int64_t>(in.sizes.size()) || d == a[1].ints[0]) return false;
  if (in.sizes.size() != out.sizes.size()) return false;
  Geometry whole = out;
  whole.sizes[static_cast<size_t>(d)] = in.sizes[static_cast<size_t>(d)];
  return are_shares(a[1], a[2], group, in, whole) && are_shares(a[3], a[4], group, out, whole);
}

}  // namespace

bool is_collective(std::string_view op) {
  return std::ranges::find(kOperators, op) != std::end(kOperators);
}

Result<std::unique_ptr<device::Call>> make_collective_call(const ops::CallSignature& signature,
                                                           device::Device* device, Groups* groups) {
  if (signature.args.empty() || !is_number(signature.args.back())) {
    return invalid_argument("[worker.collective] no group: " + to_string(signature));
  }
  const auto number = static_cast<uint64_t>(signature.args.back().ints[0]);
  MOAI_ASSIGN_OR_RETURN(comm::Group * group, groups->at(number));
  if (!is_sound(signature, *group)) {
    return invalid_argument("[worker.collective] no collective of rank " +
                            std::to_string(group->rank()) + " of " + std::to_string(group->size()) +
                            ": " + to_string(signature));
  }
  const auto made = [&]<class T>(std::in_place_type_t<T>) -> std::unique_ptr<device::Call> {
    return std::make_unique<T>(signature, device, groups, group);
  };
  if (signature.op == "moai::all_reduce") return made(std::in_place_type<AllReduce>);
  if (signature.op == "moai::all_gather") return made(std::in_place_type<AllGather>);
  if (signature.op == "moai::reduce_scatter") return made(std::in_place_type<ReduceScatter>);
  return made(std::in_place_type<AllToAll>);
}

}  // namespace moai::worker
