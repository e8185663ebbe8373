#include "moai/comm/collective/nccl/agreement.h"

#include <cstring>
#include <map>
#include <vector>

#include "moai/base/bytes.h"

namespace moai::comm {
namespace {

std::string rank_text(size_t rank) { return "rank " + std::to_string(rank); }

Result<std::vector<std::string>> gather(Group* group, const std::string& mine) {
  const auto ranks = static_cast<size_t>(group->size());
  const auto self = static_cast<size_t>(group->rank());
  std::vector<uint64_t> sizes(ranks);
  sizes[self] = mine.size();
  const std::vector<size_t> of_sizes(ranks, sizeof(uint64_t));
  MOAI_RETURN_IF_ERROR(group->all_gather(&sizes[self], of_sizes, sizes.data()));
  const std::vector<size_t> bytes(sizes.begin(), sizes.end());
  std::string all(offsets_of(sizes).back(), '\0');
  MOAI_RETURN_IF_ERROR(group->all_gather(mine.data(), bytes, all.data()));
  std::vector<std::string> texts;
  size_t at = 0;
  for (size_t rank = 0; rank < ranks; at += bytes[rank++]) {
    texts.push_back(all.substr(at, bytes[rank]));
  }
  return texts;
}

std::string encoded(const NcclOffer& offer) {
  std::string bytes;
  Writer writer(&bytes);
  writer.bytes(offer.why_not);
  writer.bytes(offer.kind);
  writer.bytes(offer.device);
  writer.varint(static_cast<uint64_t>(offer.version));
  return bytes;
}

std::optional<NcclOffer> decoded(const std::string& bytes) {
  Reader reader(bytes);
  NcclOffer offer;
  offer.why_not = reader.bytes();
  offer.kind = reader.bytes();
  offer.device = reader.bytes();
  offer.version = static_cast<int>(reader.varint());
  if (!reader.done()) return std::nullopt;
  return offer;
}

std::string library_text(const NcclOffer& o) {
  return "NCCL " + nccl_version_text(o.version) + " of a " + o.kind + " device";
}

// Why the offers do not fit together.
std::string why_not(const std::vector<NcclOffer>& offers) {
  std::map<std::string, size_t> devices;
  for (size_t rank = 0; rank < offers.size(); ++rank) {
    const NcclOffer& o = offers[rank];
    if (!o.why_not.empty()) return rank_text(rank) + ": " + o.why_not;
    if (o.kind != offers[0].kind || o.version != offers[0].version) {
      return "rank 0 has " + library_text(offers[0]) + ", " + rank_text(rank) + " " +
             library_text(o);
    }
    const auto [found, first] = devices.emplace(o.device, rank);
    if (!first) {
      return rank_text(found->second) + " and " + rank_text(rank) + " share the device " + o.device;
    }
  }
  return {};
}

}  // namespace

Result<std::string> agree_on_nccl(Group* group, const NcclOffer& mine) {
  MOAI_ASSIGN_OR_RETURN(const std::vector<std::string> all, gather(group, encoded(mine)));
  std::vector<NcclOffer> offers;
  for (const std::string& bytes : all) {
    const auto offer = decoded(bytes);
    if (!offer) return data_loss("[comm.nccl] an offer that no rank makes");
    offers.push_back(*offer);
  }
  return why_not(offers);
}

Result<std::string> agree(Group* group, const std::string& why_not) {
  MOAI_ASSIGN_OR_RETURN(const std::vector<std::string> all, gather(group, why_not));
  for (size_t rank = 0; rank < all.size(); ++rank) {
    if (!all[rank].empty()) return rank_text(rank) + ": " + all[rank];
  }
  return std::string();
}

Result<std::unique_ptr<NcclCommunicator>> join_nccl(Group* group, const NcclLibrary& library,
                                                    std::chrono::milliseconds patience,
                                                    Deadline deadline, const Interrupt& interrupt) {
  struct {
    nccl::UniqueId id{};
    int code = nccl::kSuccess;
  } named;
  if (group->rank() == 0) named.code = library.unique_id(&named.id);
  MOAI_RETURN_IF_ERROR(group->broadcast(&named, sizeof named, 0));
  if (named.code != nccl::kSuccess) {
    return unavailable(std::string("[comm.nccl] ncclGetUniqueId on the group's first rank: ") +
                       library.error_string(static_cast<nccl::Code>(named.code)));
  }
  return NcclCommunicator::join(
      library, named.id, {.rank = group->rank(), .size = group->size(), .patience = patience},
      deadline, interrupt);
}

}  // namespace moai::comm
