#include "moai/compiler/analysis/roles.h"

namespace moai::compiler {

std::string_view name(Role role) {
  switch (role) {
    case Role::kTemporary:
      return "temporary";
    case Role::kParameter:
      return "parameter";
    case Role::kState:
      return "state";
    case Role::kBuffer:
      return "buffer";
    case Role::kGradient:
      return "gradient";
    case Role::kData:
      return "data";
    case Role::kConstant:
      return "constant";
  }
  return "?";
}

std::string print(const ValueGraph& g, const Roles& roles) {
  std::string out;
  for (const Role role : {Role::kParameter, Role::kState, Role::kBuffer, Role::kGradient,
                          Role::kData, Role::kConstant}) {
    std::string line;
    for (SegmentId s = 0; s < g.segments.size(); ++s) {
      if (roles.segments[s] == role) line += " s" + std::to_string(g.segments[s].storage);
    }
    if (!line.empty()) out += std::string(name(role)) + ":" + line + "\n";
  }
  size_t counts[3] = {};
  for (const Slice s : roles.nodes) ++counts[static_cast<size_t>(s)];
  return out + "calls: " + std::to_string(counts[0]) + " forward, " + std::to_string(counts[1]) +
         " backward, " + std::to_string(counts[2]) + " optimizer\n";
}

}  // namespace moai::compiler
