#include "moai/comm/collective/linked.h"

#include <algorithm>

#include "moai/comm/collective/linked_group.h"

namespace moai::comm {

Result<std::unique_ptr<Group>> LinkedGroup::run_make_subgroup(uint64_t id,
                                                              std::span<const int> ranks) {
  std::vector<int> members;
  for (int r : ranks) members.push_back(member(static_cast<size_t>(r)));
  const auto own = std::find(ranks.begin(), ranks.end(), rank()) - ranks.begin();
  // The numbers of this group's own subgroups must not meet those of another's.
  return std::unique_ptr<Group>(std::make_unique<LinkedGroup>(
      mesh_, (id_ * 0x100000001b3u) ^ id, static_cast<int>(own), std::move(members)));
}

Result<std::unique_ptr<Group>> join_linked(std::vector<std::unique_ptr<Link>> links, int rank,
                                           const GroupOptions& options) {
  const auto size = static_cast<int>(links.size());
  bool fits = rank >= 0 && rank < size;
  for (int r = 0; r < size && fits; ++r) {
    fits = (links[static_cast<size_t>(r)] != nullptr) == (r != rank);
  }
  if (!fits) {
    return invalid_argument("[comm.collective] rank " + std::to_string(rank) + " of " +
                            std::to_string(size) +
                            " needs one link to each other rank and none to itself");
  }
  auto mesh = std::make_shared<Mesh>();
  mesh->options = options;
  std::vector<int> members;
  for (int r = 0; r < size; ++r) {
    members.push_back(r);
    auto& link = links[static_cast<size_t>(r)];
    mesh->lanes.push_back(link ? std::make_unique<Lane>(std::move(link), r, options) : nullptr);
  }
  return std::unique_ptr<Group>(
      std::make_unique<LinkedGroup>(std::move(mesh), 1, rank, std::move(members)));
}

}  // namespace moai::comm
