#include "moai/worker/collective/mesh.h"

#include <string>
#include <utility>

#include "moai/base/log.h"
#include "moai/comm/collective/linked.h"
#include "moai/comm/collective/shared_memory.h"

namespace moai::worker {
namespace {

using GroupPtr = std::unique_ptr<comm::Group>;

std::string text_of(const dispatch::JoinMesh& mesh) {
  std::string text;
  for (const uint32_t size : mesh.axes) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "mesh " + std::to_string(mesh.id) + " of [" + text + "]";
}

// Whether the axes have this many ranks.
bool has_ranks(const std::vector<uint32_t>& axes, uint64_t ranks) {
  uint64_t product = 1;
  for (const uint32_t size : axes) {
    if (size == 0 || product > ranks) return false;
    product *= size;
  }
  return product == ranks;
}

Result<GroupPtr> alone(const comm::GroupOptions& options) {
  std::vector<std::unique_ptr<comm::Link>> no_links(1);
  return comm::join_linked(std::move(no_links), 0, options);
}

// How ranks on accelerators exchange.
std::string way_text(const NcclSetup& nccl, const std::string& why_not) {
  if (!nccl.queue) return {};
  if (!why_not.empty()) return ", exchanges through host memory: " + why_not;
  return ", exchanges through NCCL " + comm::nccl_version_text(nccl.library.version);
}

}  // namespace

std::vector<int> ranks_along(const std::vector<uint32_t>& axes, uint32_t rank, size_t axis) {
  uint32_t stride = 1;
  for (size_t i = axis + 1; i < axes.size(); ++i) stride *= axes[i];
  const uint32_t first = rank - rank / stride % axes[axis] * stride;
  std::vector<int> ranks;
  for (uint32_t i = 0; i < axes[axis]; ++i) ranks.push_back(static_cast<int>(first + i * stride));
  return ranks;
}

Result<GroupPtr> Mesh::join_all(uint64_t id) {
  if (ranks() == 1) return alone(options_);
  // Who lacks a peer says so before others lack it.
  const auto deadline = std::chrono::steady_clock::now() + options_.arrival / 2;
  const comm::Interrupt interrupt = [this] { return groups_.ended(); };
  MOAI_ASSIGN_OR_RETURN(const auto all, peers_.all(deadline, interrupt));
  if (!identity::share_memory(all)) {
    MOAI_ASSIGN_OR_RETURN(auto links, peers_.links(id, deadline, interrupt));
    return comm::join_linked(std::move(links), static_cast<int>(peers_.rank()), options_);
  }
  comm::SharedMemoryOptions options{.name = peers_.name() + "-" + std::to_string(id),
                                    .rank = static_cast<int>(peers_.rank()),
                                    .size = static_cast<int>(ranks())};
  options.group = options_;
  return comm::join_shared_memory(options);
}

Result<std::vector<GroupPtr>> Mesh::make_groups(comm::Group& world,
                                                const std::vector<uint32_t>& axes) {
  std::vector<GroupPtr> groups;
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    const std::vector<int> along = ranks_along(axes, peers_.rank(), axis);
    auto group = along.size() == 1 ? alone(options_) : world.make_subgroup(along);
    if (!group.ok()) return group.status();
    groups.push_back(std::move(*group));
  }
  return groups;
}

Result<std::string> Mesh::try_join(const dispatch::JoinMesh& mesh) {
  if (!has_ranks(mesh.axes, ranks())) {
    return invalid_argument("the axes must have " + std::to_string(ranks()) +
                            " ranks in all, as many as the lease has Workers");
  }
  MOAI_ASSIGN_OR_RETURN(GroupPtr joined, join_all(mesh.id));
  comm::Group& world = groups_.open(std::move(joined));
  auto groups = make_groups(world, mesh.axes);
  if (!groups.ok()) {
    world.abort(groups.status());
    return groups.status();
  }
  MOAI_RETURN_IF_ERROR(world.barrier());
  MOAI_ASSIGN_OR_RETURN(std::string why_not, groups_.direct().join(&world, *groups, options_));
  groups_.set(std::move(*groups));
  return why_not;
}

Status Mesh::join(const dispatch::JoinMesh& mesh) {
  groups_.clear();
  const Result<std::string> joined = try_join(mesh);
  const Status status = joined.status();
  const std::string who =
      "rank " + std::to_string(peers_.rank()) + " of " + std::to_string(ranks());
  if (status.ok()) {
    log_info(who + " has joined " + text_of(mesh) + way_text(nccl_, *joined));
    return status;
  }
  const Status why(status.code(), "[worker.mesh] " + who + " cannot join " + text_of(mesh) + ": " +
                                      status.message());
  log_error(why.message());
  groups_.fail(why);
  return why;
}

}  // namespace moai::worker
