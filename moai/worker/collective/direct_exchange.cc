#include "moai/worker/collective/direct_exchange.h"

#include <utility>
#include <vector>

#include "moai/ops/bundled_call.h"
#include "moai/ops/call_tensors.h"
#include "moai/worker/collective/packed_shares.h"

namespace moai::worker {
namespace {

using tensor::Geometry;
using Way = PackedShares::Way;

uint64_t bytes_of(const Geometry& g) {
  return static_cast<uint64_t>(tensor::element_count(g)) * tensor::dtype_size(g.dtype);
}

std::vector<Geometry> operands_of(const ops::CallSignature& s) {
  std::vector<Geometry> all;
  for (const ops::Arg* a : ops::tensor_operands(s)) all.push_back(a->geometry);
  return all;
}

size_t total_of(const std::vector<PackedShares>& all) {
  size_t bytes = 0;
  for (const PackedShares& s : all) bytes += s.total();
  return bytes;
}

// Of a buffer that may have no bytes.
std::byte* address(DirectGroups* groups, const device::Buffer* buffer, const Geometry& g) {
  if (!buffer) return nullptr;
  return groups->queue().address(*buffer) +
         static_cast<uint64_t>(g.offset) * tensor::dtype_size(g.dtype);
}

class Direct : public DirectExchange {
 protected:
  Direct(const ops::CallSignature& s, device::Device* device, comm::NcclCommunicator* group)
      : operands_(operands_of(s)),
        device_(*device),
        group_(*group),
        rank_(static_cast<size_t>(group->rank())) {}

  // Of the shares of all tensors: brought there, exchanged, brought back.
  Result<std::byte*> begin(DirectGroups* groups, PackedShares* shares, device::Buffer* tensor) {
    return shares->begin(&device_, &groups->queue(), tensor);
  }

  const std::vector<Geometry> operands_;
  device::Device& device_;
  comm::NcclCommunicator& group_;
  const size_t rank_;
};

class AllReduce final : public Direct {
 public:
  AllReduce(const ops::CallSignature& s, device::Device* device, comm::NcclCommunicator* group)
      : Direct(s, device, group), reduction_(*tensor::reduction_from_name(s.args[1].text)) {}

  size_t received_bytes() const override {
    size_t bytes = 0;
    for (const Geometry& g : operands_) bytes += bytes_of(g);
    return bytes;
  }
  Status enqueue(DirectGroups* groups, std::span<device::Buffer* const> operands,
                 std::span<device::Buffer* const>) override {
    comm::NcclSteps steps;
    for (size_t i = 0; i < operands_.size(); ++i) {
      const Geometry& g = operands_[i];
      comm::add_all_reduce(&steps, address(groups, operands[i], g),
                           static_cast<size_t>(tensor::element_count(g)), g.dtype, reduction_);
    }
    return groups->run(&group_, steps);
  }

 private:
  const tensor::Reduction reduction_;
};

class AllGather final : public Direct {
 public:
  AllGather(const ops::CallSignature& s, device::Device* device, comm::NcclCommunicator* group,
            std::vector<PackedShares> shares)
      : Direct(s, device, group), shares_(std::move(shares)) {}

  size_t received_bytes() const override { return total_of(shares_); }
  Status enqueue(DirectGroups* groups, std::span<device::Buffer* const> operands,
                 std::span<device::Buffer* const> made) override {
    comm::NcclSteps steps;
    for (size_t i = 0; i < shares_.size(); ++i) {
      MOAI_ASSIGN_OR_RETURN(std::byte* const out, begin(groups, &shares_[i], made[i]));
      comm::add_all_gather(&steps, rank_, address(groups, operands[i], operands_[i]),
                           shares_[i].bytes(), out);
    }
    MOAI_RETURN_IF_ERROR(groups->run(&group_, steps));
    for (size_t i = 0; i < shares_.size(); ++i) MOAI_RETURN_IF_ERROR(shares_[i].end(made[i]));
    return ok_status();
  }

 private:
  std::vector<PackedShares> shares_;  // of the results
};

class ReduceScatter final : public Direct {
 public:
  ReduceScatter(const ops::CallSignature& s, device::Device* device, comm::NcclCommunicator* group,
                std::vector<PackedShares> shares)
      : Direct(s, device, group),
        shares_(std::move(shares)),
        reduction_(*tensor::reduction_from_name(s.args[3].text)) {}

  size_t received_bytes() const override {
    size_t bytes = 0;
    for (const PackedShares& s : shares_) bytes += s.bytes()[rank_];
    return bytes;
  }
  Status enqueue(DirectGroups* groups, std::span<device::Buffer* const> operands,
                 std::span<device::Buffer* const> made) override {
    comm::NcclSteps steps;
    for (size_t i = 0; i < shares_.size(); ++i) {
      const tensor::DType dtype = operands_[i].dtype;
      std::vector<size_t> counts(shares_[i].bytes().begin(), shares_[i].bytes().end());
      for (size_t& n : counts) n /= tensor::dtype_size(dtype);
      MOAI_ASSIGN_OR_RETURN(std::byte* const in, begin(groups, &shares_[i], operands[i]));
      std::byte* const out = made[i] ? groups->queue().address(*made[i]) : nullptr;
      comm::add_reduce_scatter(&steps, rank_, in, counts, out, dtype, reduction_);
    }
    MOAI_RETURN_IF_ERROR(groups->run(&group_, steps));
    for (PackedShares& s : shares_) MOAI_RETURN_IF_ERROR(s.end(nullptr));
    return ok_status();
  }

 private:
  std::vector<PackedShares> shares_;  // of the operands
  const tensor::Reduction reduction_;
};

// From shares of one dimension to shares of another.
class AllToAll final : public Direct {
 public:
  AllToAll(const ops::CallSignature& s, device::Device* device, comm::NcclCommunicator* group,
           std::vector<PackedShares> gives, std::vector<PackedShares> gets)
      : Direct(s, device, group), gives_(std::move(gives)), gets_(std::move(gets)) {}

  size_t received_bytes() const override { return total_of(gets_); }
  Status enqueue(DirectGroups* groups, std::span<device::Buffer* const> operands,
                 std::span<device::Buffer* const> made) override {
    comm::NcclSteps steps;
    for (size_t i = 0; i < gives_.size(); ++i) {
      MOAI_ASSIGN_OR_RETURN(std::byte* const in, begin(groups, &gives_[i], operands[i]));
      MOAI_ASSIGN_OR_RETURN(std::byte* const out, begin(groups, &gets_[i], made[i]));
      comm::add_all_to_all(&steps, in, gives_[i].bytes(), out, gets_[i].bytes());
    }
    MOAI_RETURN_IF_ERROR(groups->run(&group_, steps));
    for (size_t i = 0; i < gives_.size(); ++i) {
      MOAI_RETURN_IF_ERROR(gives_[i].end(nullptr));
      MOAI_RETURN_IF_ERROR(gets_[i].end(made[i]));
    }
    return ok_status();
  }

 private:
  std::vector<PackedShares> gives_, gets_;  // of the operands, of the results
};

// Of one rank to all.
class Broadcast final : public Direct {
 public:
  Broadcast(const ops::CallSignature& s, device::Device* device, comm::NcclCommunicator* group)
      : Direct(s, device, group), root_(static_cast<int>(s.args[s.args.size() - 2].ints[0])) {
    for (const ops::Result* r : ops::fresh_results(s)) results_.push_back(r->geometry);
  }

  size_t received_bytes() const override {
    size_t bytes = 0;
    for (const Geometry& g : results_) bytes += bytes_of(g);
    return bytes;
  }
  Status enqueue(DirectGroups* groups, std::span<device::Buffer* const> operands,
                 std::span<device::Buffer* const> made) override {
    const bool gives = results_.empty();
    const auto& geometries = gives ? operands_ : results_;
    comm::NcclSteps steps;
    for (size_t i = 0; i < geometries.size(); ++i) {
      comm::add_broadcast(&steps, address(groups, gives ? operands[i] : made[i], geometries[i]),
                          bytes_of(geometries[i]), root_);
    }
    return groups->run(&group_, steps);
  }

 private:
  const int root_;
  std::vector<Geometry> results_;  // none on the root
};

// ---- of a signature

size_t dimension(const ops::CallSignature& s, size_t argument) {
  return static_cast<size_t>(s.args[argument].ints[0]);
}

// Of each operand, or each result, along the dimension that an argument names; the next one has
// the shares.
Result<std::vector<PackedShares>> shares_of(const ops::CallSignature& s, size_t argument, Way way,
                                            device::Device* device) {
  std::vector<PackedShares> all;
  const std::vector<ops::CallSignature> items = *ops::unbundled_call(s);
  for (const ops::CallSignature& item : items) {
    const Geometry& whole = way == Way::kFromTensor ? ops::tensor_operands(item)[0]->geometry
                                                    : item.results[0].geometry;
    MOAI_ASSIGN_OR_RETURN(PackedShares shares,
                          PackedShares::make(whole, dimension(s, argument),
                                             item.args[argument + 1].ints, way, device));
    all.push_back(std::move(shares));
  }
  return all;
}

bool reduces(const ops::CallSignature& s, size_t argument) {
  return comm::nccl_reduces(ops::tensor_operands(s)[0]->geometry.dtype,
                            *tensor::reduction_from_name(s.args[argument].text));
}

}  // namespace

Result<std::unique_ptr<DirectExchange>> make_direct_exchange(const ops::CallSignature& s,
                                                             device::Device* device,
                                                             comm::NcclCommunicator* group) {
  using Made = std::unique_ptr<DirectExchange>;
  if (s.op == "moai::broadcast") return Made(std::make_unique<Broadcast>(s, device, group));
  if (s.op == "moai::all_reduce") {
    return reduces(s, 1) ? Made(std::make_unique<AllReduce>(s, device, group)) : Made();
  }
  if (s.op == "moai::all_gather") {
    MOAI_ASSIGN_OR_RETURN(auto shares, shares_of(s, 1, Way::kToTensor, device));
    return Made(std::make_unique<AllGather>(s, device, group, std::move(shares)));
  }
  if (s.op == "moai::reduce_scatter") {
    if (!reduces(s, 3)) return Made();
    MOAI_ASSIGN_OR_RETURN(auto shares, shares_of(s, 1, Way::kFromTensor, device));
    return Made(std::make_unique<ReduceScatter>(s, device, group, std::move(shares)));
  }
  if (s.op == "moai::all_to_all") {
    MOAI_ASSIGN_OR_RETURN(auto gives, shares_of(s, 3, Way::kFromTensor, device));
    MOAI_ASSIGN_OR_RETURN(auto gets, shares_of(s, 1, Way::kToTensor, device));
    return Made(std::make_unique<AllToAll>(s, device, group, std::move(gives), std::move(gets)));
  }
  return Made();
}

}  // namespace moai::worker
