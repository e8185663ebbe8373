#include "moai/compiler/sharding/table_split.h"

#include <algorithm>

#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

bool is_plain(const Use& use, const tensor::Geometry& g) {
  for (size_t d = 0; use.view && d < use.view->dims.size(); ++d) {
    const ViewDim::Kind kind = use.view->dims[d].kind;
    if (kind == ViewDim::Kind::kBroadcast || kind == ViewDim::Kind::kSlice) return false;
  }
  return use.view && use.view->selected.empty() && tensor::is_contiguous(g);
}

}  // namespace

std::optional<ops::IndexedForm> splittable_form(const ValueNode& n, const NodeRule& rule,
                                                ops::FactorIndex factor) {
  const auto form = ops::indexed_form(n.signature, rule.rule, factor);
  if (!form) return std::nullopt;
  const auto operands = ops::tensor_operands(n.signature);
  if (!is_plain(n.operands[form->pointers], operands[form->pointers]->geometry)) {
    return std::nullopt;
  }
  if (form->outside != ops::Outside::kDump) return form;
  // A table that the call goes on from has no row to spare.
  for (const ops::FactorDims& dims : rule.rule.operands) {
    if (std::ranges::find(dims, std::vector{factor}) != dims.end()) return std::nullopt;
  }
  // The table that is made gets a row more, behind its last.
  const auto results = ops::fresh_results(n.signature);
  if (results.size() != 1 || rule.rule.results.size() != 1) return std::nullopt;
  const ops::FactorDims& dims = rule.rule.results[0];
  const bool leads = !dims.empty() && dims[0] == std::vector{factor};
  return leads && is_plain(n.results[0], results[0]->geometry) ? form : std::nullopt;
}

}  // namespace moai::compiler
