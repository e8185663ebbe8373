#include "moai/ops/facts.h"

#include <algorithm>
#include <string>
#include <unordered_map>

namespace moai::ops {
namespace {

using Index = std::unordered_map<std::string_view, const OpFacts*>;

const Index& index() {
  static const Index kIndex = [] {
    Index made;
    for (const OpFacts& row : all_op_facts()) made.emplace(row.op, &row);
    return made;
  }();
  return kIndex;
}

const OpFacts* find(std::string_view name) {
  const auto it = index().find(name);
  return it == index().end() ? nullptr : it->second;
}

}  // namespace

const OpFacts* op_facts(std::string_view op, std::string_view overload) {
  if (!overload.empty()) {
    std::string exact(op);
    exact += '.';
    exact += overload;
    if (const OpFacts* row = find(exact)) return row;
  }
  return find(op);
}

bool contains(const Names& names, std::string_view name) {
  return !name.empty() && std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace moai::ops
