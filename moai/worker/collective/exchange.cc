#include "moai/worker/collective/exchange.h"

#include <algorithm>

#include "moai/ops/bundled_call.h"
#include "moai/ops/call_tensors.h"
#include "moai/tensor/reduction.h"
#include "moai/worker/collective/parts.h"

namespace moai::worker {
namespace {

using tensor::Along;
using tensor::Geometry;

uint64_t bytes_of(const Geometry& g) {
  return static_cast<uint64_t>(tensor::element_count(g)) * tensor::dtype_size(g.dtype);
}
uint64_t offset_of(const Geometry& g) {
  return static_cast<uint64_t>(g.offset) * tensor::dtype_size(g.dtype);
}

// Of shares of tensors: what the kinds have in common.
class OfShares : public Exchange {
 protected:
  OfShares(const ops::CallSignature& s, size_t rank)
      : signature_(s), items_(*ops::unbundled_call(s)), rank_(rank) {
    for (const ops::Arg* a : ops::tensor_operands(signature_)) operands_.push_back(a->geometry);
  }

  // How tensors are shared; `shares`: which argument says so.
  Parts parts(const std::vector<Along>& wholes, size_t shares) const {
    std::vector<Parts::Tensor> tensors;
    for (size_t i = 0; i < wholes.size(); ++i) {
      tensors.push_back({wholes[i], items_[i].args[shares].ints});
    }
    return Parts(std::move(tensors));
  }
  // Of each operand, or of each result, along the dimension that an argument names.
  std::vector<Along> operands_along(size_t argument) const {
    std::vector<Along> all;
    for (const Geometry& g : operands_) all.push_back(tensor::along(g, dimension(argument)));
    return all;
  }
  std::vector<Along> results_along(size_t argument) const {
    std::vector<Along> all;
    for (const ops::CallSignature& s : items_) {
      all.push_back(tensor::along(s.results[0].geometry, dimension(argument)));
    }
    return all;
  }
  size_t dimension(size_t argument) const {
    return static_cast<size_t>(signature_.args[argument].ints[0]);
  }
  tensor::Reduction reduction(size_t argument) const {
    return *tensor::reduction_from_name(signature_.args[argument].text);
  }

  // Shares of the operands, from where they lie to where they travel; `room`: for a tensor that
  // does not lie in runs.
  Status pack(device::Device* device, const Parts& parts, std::span<device::Buffer* const> operands,
              char* to, char* room) const {
    for (size_t i = 0; i < operands_.size(); ++i) {
      if (parts.whole_bytes(i) == 0) continue;
      uint64_t at = offset_of(operands_[i]);
      if (!parts.in_runs(i)) {
        MOAI_RETURN_IF_ERROR(device->copy_out(*operands[i], at, parts.whole_bytes(i), room));
        parts.pack(i, room, to);
        continue;
      }
      for (size_t r = 0; r < parts.bytes().size(); ++r) {
        const size_t bytes = parts.share_bytes(r, i);
        if (bytes == 0) continue;
        MOAI_RETURN_IF_ERROR(device->copy_out(*operands[i], at, bytes, to + parts.begin(r, i)));
        at += bytes;
      }
    }
    return ok_status();
  }
  // Whole results, from where their shares came to.
  static Status unpack(device::Device* device, const Parts& parts, const char* from, char* room,
                       std::span<device::Buffer* const> made) {
    for (size_t i = 0; i < made.size(); ++i) {
      const size_t whole = parts.whole_bytes(i);
      if (whole == 0) continue;
      if (!parts.in_runs(i)) {
        parts.unpack(i, from, room);
        MOAI_RETURN_IF_ERROR(device->copy_in(made[i], 0, {room, whole}));
        continue;
      }
      uint64_t at = 0;
      for (size_t r = 0; r < parts.bytes().size(); ++r) {
        const size_t bytes = parts.share_bytes(r, i);
        if (bytes == 0) continue;
        MOAI_RETURN_IF_ERROR(device->copy_in(made[i], at, {from + parts.begin(r, i), bytes}));
        at += bytes;
      }
    }
    return ok_status();
  }

  const ops::CallSignature signature_;
  const std::vector<ops::CallSignature> items_;  // that it is made of
  std::vector<Geometry> operands_;
  const size_t rank_;
};

class AllReduce final : public OfShares {
 public:
  AllReduce(const ops::CallSignature& s, size_t rank) : OfShares(s, rank) {
    for (const Geometry& g : operands_) bytes_ += bytes_of(g);
  }

  size_t room() const override { return bytes_; }
  size_t received_bytes() const override { return bytes_; }
  Status take(device::Device* device, std::span<device::Buffer* const> operands,
              char* memory) const override {
    return each(memory, [&](size_t i, char* at, uint64_t bytes) {
      return device->copy_out(*operands[i], offset_of(operands_[i]), bytes, at);
    });
  }
  Status meet(comm::Group* group, char* memory) const override {
    const tensor::DType dtype = operands_[0].dtype;
    return group->all_reduce(memory, bytes_ / tensor::dtype_size(dtype), dtype, reduction(1));
  }
  Status give(device::Device* device, char* memory,
              std::span<device::Buffer* const> made) const override {
    return each(memory, [&](size_t i, const char* at, uint64_t bytes) {
      return device->copy_in(made[i], offset_of(operands_[i]), {at, bytes});
    });
  }

 private:
  template <class Move>
  Status each(char* memory, const Move& move) const {
    for (size_t i = 0; i < operands_.size(); ++i) {
      const uint64_t bytes = bytes_of(operands_[i]);
      if (bytes != 0) MOAI_RETURN_IF_ERROR(move(i, memory, bytes));
      memory += bytes;
    }
    return ok_status();
  }

  size_t bytes_ = 0;
};

class AllGather final : public OfShares {
 public:
  AllGather(const ops::CallSignature& s, size_t rank)
      : OfShares(s, rank), all_(parts(results_along(1), 2)) {}

  size_t room() const override { return all_.total() + all_.strided_bytes_max(); }
  size_t received_bytes() const override { return all_.total(); }
  Status take(device::Device* device, std::span<device::Buffer* const> operands,
              char* memory) const override {
    for (size_t i = 0; i < operands_.size(); ++i) {
      const size_t bytes = all_.share_bytes(rank_, i);
      if (bytes == 0) continue;
      MOAI_RETURN_IF_ERROR(device->copy_out(*operands[i], offset_of(operands_[i]), bytes,
                                            memory + all_.begin(rank_, i)));
    }
    return ok_status();
  }
  Status meet(comm::Group* group, char* memory) const override {
    return group->all_gather(memory + all_.begin(rank_), all_.bytes(), memory);
  }
  Status give(device::Device* device, char* memory,
              std::span<device::Buffer* const> made) const override {
    return unpack(device, all_, memory, memory + all_.total(), made);
  }

 private:
  const Parts all_;
};

class ReduceScatter final : public OfShares {
 public:
  ReduceScatter(const ops::CallSignature& s, size_t rank)
      : OfShares(s, rank), all_(parts(operands_along(1), 2)) {}

  size_t room() const override { return all_.total() + all_.strided_bytes_max(); }
  size_t received_bytes() const override { return all_.bytes()[rank_]; }
  Status take(device::Device* device, std::span<device::Buffer* const> operands,
              char* memory) const override {
    return pack(device, all_, operands, memory, memory + all_.total());
  }
  Status meet(comm::Group* group, char* memory) const override {
    const tensor::DType dtype = operands_[0].dtype;
    std::vector<size_t> counts(all_.bytes().begin(), all_.bytes().end());
    for (size_t& n : counts) n /= tensor::dtype_size(dtype);
    return group->reduce_scatter(memory, counts, memory + all_.begin(rank_), dtype, reduction(3));
  }
  Status give(device::Device* device, char* memory,
              std::span<device::Buffer* const> made) const override {
    for (size_t i = 0; i < made.size(); ++i) {
      const size_t bytes = all_.share_bytes(rank_, i);
      if (bytes == 0) continue;
      MOAI_RETURN_IF_ERROR(device->copy_in(made[i], 0, {memory + all_.begin(rank_, i), bytes}));
    }
    return ok_status();
  }

 private:
  const Parts all_;
};

// From shares of one dimension to shares of another.
class AllToAll final : public OfShares {
 public:
  AllToAll(const ops::CallSignature& s, size_t rank)
      : OfShares(s, rank), gets_(parts(operands_along(3), 4)), had_(parts(results_along(1), 2)) {}

  size_t room() const override {
    return gets_.total() + had_.total() +
           std::max(gets_.strided_bytes_max(), had_.strided_bytes_max());
  }
  size_t received_bytes() const override { return had_.total(); }
  Status take(device::Device* device, std::span<device::Buffer* const> operands,
              char* memory) const override {
    return pack(device, gets_, operands, memory, in(memory) + had_.total());
  }
  Status meet(comm::Group* group, char* memory) const override {
    return group->all_to_all(memory, gets_.bytes(), in(memory), had_.bytes());
  }
  Status give(device::Device* device, char* memory,
              std::span<device::Buffer* const> made) const override {
    return unpack(device, had_, in(memory), in(memory) + had_.total(), made);
  }

 private:
  char* in(char* memory) const { return memory + gets_.total(); }

  const Parts gets_, had_;
};

}  // namespace

std::shared_ptr<const Exchange> make_exchange(const ops::CallSignature& s, size_t rank) {
  if (s.op == "moai::all_reduce") return std::make_shared<AllReduce>(s, rank);
  if (s.op == "moai::all_gather") return std::make_shared<AllGather>(s, rank);
  if (s.op == "moai::reduce_scatter") return std::make_shared<ReduceScatter>(s, rank);
  return std::make_shared<AllToAll>(s, rank);
}

}  // namespace moai::worker
