#include "moai/comm/conformance/over_nccl.h"

#include <utility>

#include "moai/comm/collective/nccl/testing/library.h"

namespace moai::comm {
namespace {

constexpr std::chrono::seconds kPatience{20};

Deadline soon() { return std::chrono::steady_clock::now() + kPatience; }

}  // namespace

OverNccl::OverNccl(std::unique_ptr<Group> inner, std::vector<int> members)
    : Group(inner->rank(), std::move(members)), inner_(std::move(inner)) {}

OverNccl::~OverNccl() {
  if (communicator_) communicator_->close(soon());
}

void OverNccl::fail(const Status& why) {
  if (failure_.ok()) failure_ = why;
  if (communicator_) communicator_->abort(why);
  inner_->abort(why);
}

Status OverNccl::run(const NcclSteps& steps) {
  if (!communicator_) {
    MOAI_ASSIGN_OR_RETURN(const NcclLibrary library, load_nccl(test_nccl_file()));
    MOAI_ASSIGN_OR_RETURN(communicator_, join_nccl(inner_.get(), library, kPatience, soon(), {}));
  }
  MOAI_RETURN_IF_ERROR(communicator_->run(steps, &stream_));
  stream_.synchronize();
  return communicator_->check();
}

Status OverNccl::run_all_reduce(const Operation& o, std::byte* data) {
  if (!nccl_reduces(o.dtype, o.reduction)) {
    return inner_->all_reduce(data, o.sizes[0], o.dtype, o.reduction);
  }
  NcclSteps steps;
  add_all_reduce(&steps, data, o.sizes[0], o.dtype, o.reduction);
  return run(steps);
}

Status OverNccl::run_all_gather(const Operation& o, const std::byte* mine, std::byte* out) {
  NcclSteps steps;
  add_all_gather(&steps, static_cast<size_t>(rank()), mine, o.sizes, out);
  return run(steps);
}

Status OverNccl::run_reduce_scatter(const Operation& o, const std::byte* in, std::byte* out) {
  if (!nccl_reduces(o.dtype, o.reduction)) {
    return inner_->reduce_scatter(in, o.sizes, out, o.dtype, o.reduction);
  }
  NcclSteps steps;
  add_reduce_scatter(&steps, static_cast<size_t>(rank()), in, o.sizes, out, o.dtype, o.reduction);
  return run(steps);
}

Status OverNccl::run_all_to_all(const Operation& o, const std::byte* in, std::byte* out) {
  const std::span<const uint64_t> sizes = o.sizes;
  const auto ranks = static_cast<size_t>(size());
  NcclSteps steps;
  add_all_to_all(&steps, in, sizes.first(ranks), out, sizes.last(ranks));
  return run(steps);
}

Status OverNccl::run_broadcast(const Operation& o, std::byte* data) {
  NcclSteps steps;
  add_broadcast(&steps, data, o.sizes[0], static_cast<int>(o.root));
  return run(steps);
}

Status OverNccl::run_barrier(const Operation&) { return inner_->barrier(); }

Status OverNccl::run_send(int peer, uint64_t tag, std::span<const std::byte> content) {
  return inner_->send(peer, tag, content.data(), content.size());
}

Status OverNccl::run_receive(int peer, uint64_t tag, std::span<std::byte> content) {
  return inner_->receive(peer, tag, content.data(), content.size());
}

Result<std::unique_ptr<Group>> OverNccl::run_make_subgroup(uint64_t, std::span<const int> ranks) {
  MOAI_ASSIGN_OR_RETURN(auto inner, inner_->make_subgroup(ranks));
  std::vector<int> its;
  for (const int rank : ranks) its.push_back(member(static_cast<size_t>(rank)));
  return std::unique_ptr<Group>(std::make_unique<OverNccl>(std::move(inner), std::move(its)));
}

}  // namespace moai::comm
