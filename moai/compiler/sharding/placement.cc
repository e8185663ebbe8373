#include "moai/compiler/sharding/placement.h"

#include <algorithm>

namespace moai::compiler {
Placement resolved(Placement p) {
  for (AxisPlacement& a : p) {
    if (a.partial()) a = replicated();
  }
  return p;
}

std::string to_string(const Placement& p) {
  std::string out;
  for (const AxisPlacement& a : p) {
    if (!out.empty()) out += "*";
    if (a.replicated()) out += "R";
    if (a.split()) out += "S" + std::to_string(a.place);
    if (a.at()) out += "@" + std::to_string(a.place);
    if (a.partial()) out += "P(" + std::string(tensor::reduction_name(a.reduction)) + ")";
  }
  return out;
}

int Mesh::ranks() const {
  int n = 1;
  for (const MeshAxis& a : axes) n *= a.size;
  return n;
}

std::optional<uint32_t> Mesh::axis(std::string_view name) const {
  for (uint32_t a = 0; a < axes.size(); ++a) {
    if (axes[a].name == name) return a;
  }
  return std::nullopt;
}

int Mesh::coordinate(int rank, size_t axis) const {
  for (size_t a = axes.size() - 1; a > axis; --a) rank /= axes[a].size;
  return rank % axes[axis].size;
}

std::vector<int> Mesh::group(int rank, size_t axis) const {
  int step = 1;
  for (size_t a = axes.size() - 1; a > axis; --a) step *= axes[a].size;
  const int first = rank - coordinate(rank, axis) * step;
  std::vector<int> ranks;
  for (int i = 0; i < axes[axis].size; ++i) ranks.push_back(first + i * step);
  return ranks;
}

int64_t share_size(int64_t n, int k, int index) { return n / k + (index < n % k ? 1 : 0); }

int64_t share_begin(int64_t n, int k, int index) {
  return n / k * index + std::min<int64_t>(index, n % k);
}

}  // namespace moai::compiler
