#include "moai/compiler/verify/rank_part.h"

namespace moai::compiler {

RankPart::RankPart(const Lowering& in, RegisterId r, int rank) {
  const Register& reg = in.program->registers[r];
  const SegmentId segment = in.graph->values[reg.value].segment;
  const Segment& s = in.graph->segments[segment];
  if (s.opaque) {
    count_ = s.count;
    return;
  }
  const std::vector<FactorId>& list = in.factors->of(segment);
  shares_.reserve(list.size());
  for (const FactorId f : list) {
    const int64_t n = in.factors->size(f);
    shares_.push_back({n, 0, n});
  }
  const Mesh& mesh = in.program->mesh;
  for (size_t a = 0; a < reg.placement.size(); ++a) {
    if (!reg.placement[a].split()) continue;
    Share& share = shares_[reg.placement[a].place];
    const int k = mesh.axes[a].size, index = mesh.coordinate(rank, a);
    share.begin = share_begin(share.whole, k, index);
    share.size = share_size(share.whole, k, index);
  }
  for (const Share& share : shares_) count_ *= share.size;
}

int64_t RankPart::outer(uint32_t place) const {
  int64_t n = 1;
  for (uint32_t p = 0; p < place; ++p) n *= shares_[p].size;
  return n;
}

int64_t RankPart::inner(uint32_t place) const {
  int64_t n = 1;
  for (size_t p = place + 1; p < shares_.size(); ++p) n *= shares_[p].size;
  return n;
}

int64_t RankPart::between(int64_t low, int64_t high) const {
  int64_t at = 1, n = 1;
  size_t p = shares_.size();
  while (at < low && p > 0) at *= shares_[--p].whole;
  if (at != low) return 0;
  while (at < high && p > 0) {
    n *= shares_[--p].size;
    at *= shares_[p].whole;
  }
  return at == high ? n : 0;
}

}  // namespace moai::compiler
