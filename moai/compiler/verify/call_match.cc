#include "moai/compiler/verify/call_match.h"

#include <algorithm>

#include "moai/compiler/verify/rank_part.h"

namespace moai::compiler {
namespace {

using tensor::Geometry;

// Steps of dimensions of size 1 lead nowhere.
bool same_elements(const Geometry& a, const Geometry& b) {
  if (a.dtype != b.dtype || a.flags != b.flags || a.sizes != b.sizes || a.offset != b.offset ||
      a.strides.size() != b.strides.size()) {
    return false;
  }
  for (size_t d = 0; d < a.sizes.size(); ++d) {
    if (a.sizes[d] != 1 && a.strides[d] != b.strides[d]) return false;
  }
  return true;
}

}  // namespace

TableSplit::Share TableSplit::share(const Lowering& in, const CallStep& step, int rank) const {
  const std::vector<FactorId>& parts = in.factors->rule(step.node).parts[factor];
  const int64_t n = in.factors->size(parts[0]);
  const int64_t inner = count / n;
  const Mesh& mesh = in.program->mesh;
  const int k = mesh.axes[axis].size, index = mesh.coordinate(rank, axis);
  return {share_begin(n, k, index) * inner, share_size(n, k, index) * inner};
}

std::optional<TableSplit> table_split(const Lowering& in, const CallStep& step) {
  const NodeRule& rule = in.factors->rule(step.node);
  for (size_t a = 0; a < step.work.size(); ++a) {
    const AxisWork& w = step.work[a];
    if (w.kind != AxisWork::Kind::kSplit) continue;
    const ops::RuleFactor& factor = rule.rule.factors[w.factor];
    if (factor.kind != ops::FactorKind::kIndexed) continue;
    const auto form = ops::indexed_form(in.graph->nodes[step.node].signature, rule.rule, w.factor);
    if (form) return TableSplit{*form, w.factor, a, factor.size};
  }
  return std::nullopt;
}

CallMatch::CallMatch(const Lowering& in, const CallStep& step)
    : in_(in),
      step_(step),
      node_(in.graph->nodes[step.node]),
      rule_(in.factors->rule(step.node)),
      tensors_(node_, rule_),
      table_(table_split(in, step)) {}

RegisterId CallMatch::operand(size_t i) const {
  if (step_.operands[i] != kNone) return step_.operands[i];
  for (size_t j = 0; j < tensors_.made.size(); ++j) {
    if (tensors_.made[j].operand == i) return step_.made[j];
  }
  return kNone;
}

void CallMatch::use_rank(int rank) {
  if (rank_ == rank) return;
  rank_ = rank;
  sizes_.clear();
  const Mesh& mesh = in_.program->mesh;
  for (const ops::RuleFactor& f : rule_.rule.factors) sizes_.push_back(f.size);
  for (size_t a = 0; a < step_.work.size(); ++a) {
    const AxisWork& w = step_.work[a];
    if (w.kind != AxisWork::Kind::kSplit) continue;
    const int64_t n = in_.factors->size(rule_.parts[w.factor][w.part]);
    sizes_[w.factor] =
        sizes_[w.factor] / n * share_size(n, mesh.axes[a].size, mesh.coordinate(rank, a));
  }
}

int64_t CallMatch::size_of(const std::vector<ops::FactorIndex>& dim) const {
  int64_t n = 1;
  for (const ops::FactorIndex f : dim) n *= sizes_[f];
  return n;
}

Geometry CallMatch::local(const Use& use, const ops::FactorDims& dims, const Geometry& whole,
                          RegisterId r, int64_t begin) const {
  Geometry g = whole;
  const auto size = static_cast<int64_t>(tensor::dtype_size(whole.dtype));
  for (size_t d = 0; d < dims.size(); ++d) {
    if (!dims[d].empty()) g.sizes[d] = size_of(dims[d]);
  }
  if (!use.view) {
    const ValueId v = in_.program->registers[r].value;
    const Segment& s = in_.graph->segments[in_.graph->values[v].segment];
    g.offset += (begin - s.begin * static_cast<int64_t>(tensor::dtype_size(s.dtype))) / size;
    return g;
  }
  const RankPart part(in_, r, rank_);
  g.offset = begin / size;
  for (const Selected& s : use.view->selected) {
    g.offset += s.index * part.between(1, s.block.low);
  }
  for (size_t d = 0; d < g.sizes.size(); ++d) {
    const ViewDim& dim = use.view->dims[d];
    if (dim.kind != ViewDim::Kind::kWhole && dim.kind != ViewDim::Kind::kSlice) continue;
    g.strides[d] = part.between(1, dim.block.low);
    g.offset += dim.start * g.strides[d];
    g.strides[d] *= dim.step;
  }
  return g;
}

std::string CallMatch::tensor_error(const std::string& name, const Use& use,
                                    const ops::FactorDims& dims, const Geometry& whole,
                                    RegisterId r, bool has_dump_row, const Geometry& got,
                                    int64_t* begin) const {
  Geometry wanted = whole;
  // Without elements.
  for (size_t d = 0; d < dims.size() && r == kNone; ++d) {
    if (!dims[d].empty()) wanted.sizes[d] = size_of(dims[d]);
  }
  if (r != kNone) {
    wanted = local(use, dims, whole, r, std::max<int64_t>(*begin, 0));
    if (has_dump_row) ++wanted.sizes[0];
    if (*begin < 0) {
      *begin = (got.offset - wanted.offset) * static_cast<int64_t>(tensor::dtype_size(whole.dtype));
      if (*begin < 0) return name + " lies before its storage";
      wanted.offset = got.offset;
    }
  }
  if (same_elements(wanted, got)) return {};
  return name + " is " + to_string(got) + ", not " + to_string(wanted);
}

Geometry CallMatch::operand_geometry(int rank, size_t i, int64_t begin) {
  use_rank(rank);
  const CallOperand& o = tensors_.operands[i];
  return local(*o.use, *o.dims, o.arg->geometry, operand(i), begin);
}

Geometry CallMatch::flags_geometry(int rank) {
  use_rank(rank);
  const ops::FactorDims& of_pointers = *tensors_.operands[table_->form.pointers].dims;
  const ops::FactorDims& of_result = *tensors_.made[0].dims;
  Geometry g{.dtype = tensor::DType::kBool};
  std::vector<int64_t> strides(of_pointers.size(), 1);
  for (size_t d = of_pointers.size(); d-- > 1;) {
    strides[d - 1] = strides[d] * size_of(of_pointers[d]);
  }
  for (const std::vector<ops::FactorIndex>& dim : of_result) {
    g.sizes.push_back(1);
    g.strides.push_back(1);
    for (size_t d = 0; d < of_pointers.size(); ++d) {
      if (dim.empty() || of_pointers[d] != dim) continue;
      g.sizes.back() = size_of(of_pointers[d]);
      g.strides.back() = strides[d];
    }
  }
  return g;
}

// The argument as the rank must state it.
ops::Arg CallMatch::stated(size_t argument) const {
  ops::Arg wanted = node_.signature.args[argument];
  for (const ops::SizeArgument& a : rule_.rule.sizes) {
    if (a.argument != argument) continue;
    const bool dump = table_ && table_->form.outside == ops::Outside::kDump &&
                      a.factors == std::vector{table_->factor};
    wanted.ints[a.item < 0 ? 0 : static_cast<size_t>(a.item)] = size_of(a.factors) + (dump ? 1 : 0);
  }
  if (table_ && table_->form.position == argument) {
    const TableSplit::Share share = table_->share(in_, step_, rank_);
    const int64_t at = wanted.ints[0] - share.begin;
    wanted.ints[0] = at >= 0 && at < share.length ? at : -1;
  }
  return wanted;
}

std::string CallMatch::argument_error(const ops::Arg& wanted, const ops::Arg& got, size_t* operand,
                                      std::vector<int64_t>* begins) const {
  if (wanted.kind == ops::ArgKind::kTensor) {
    const size_t i = (*operand)++;
    const std::string name = "operand " + std::to_string(i);
    if (got.kind != wanted.kind || got.written != wanted.written) return name + " is another";
    if (table_ && table_->form.pointers == i) return {};
    const CallOperand& o = tensors_.operands[i];
    return tensor_error(name, *o.use, *o.dims, wanted.geometry, this->operand(i), false,
                        got.geometry, &(*begins)[i]);
  }
  if (wanted.kind != ops::ArgKind::kList) return wanted == got ? "" : "an argument differs";
  if (got.kind != wanted.kind || got.items.size() != wanted.items.size()) return "a list differs";
  for (size_t k = 0; k < wanted.items.size(); ++k) {
    std::string what = argument_error(wanted.items[k], got.items[k], operand, begins);
    if (!what.empty()) return what;
  }
  return {};
}

std::string CallMatch::result_error(const ops::Result& wanted, const ops::Result& got,
                                    size_t* fresh, std::vector<int64_t>* begins) const {
  if (got.kind != wanted.kind || got.items.size() != wanted.items.size()) return "a result differs";
  for (size_t k = 0; k < wanted.items.size(); ++k) {
    std::string what = result_error(wanted.items[k], got.items[k], fresh, begins);
    if (!what.empty()) return what;
  }
  if (wanted.kind != ops::ResultKind::kFresh) return {};
  const size_t j = (*fresh)++;
  const CallMade& m = tensors_.made[j];
  const bool dump = table_ && table_->form.outside == ops::Outside::kDump;
  return tensor_error("result " + std::to_string(j), *m.use, *m.dims, wanted.geometry,
                      step_.made[j], dump, got.geometry, &(*begins)[tensors_.operands.size() + j]);
}

void CallMatch::add_digits(ops::FactorIndex f, std::vector<ops::ShareDigit>* digits) const {
  const Mesh& mesh = in_.program->mesh;
  const std::vector<FactorId>& parts = rule_.parts[f];
  const int64_t whole = rule_.rule.factors[f].size;
  if (parts.empty()) digits->push_back({whole, 0, whole});
  for (uint32_t part = 0; part < parts.size(); ++part) {
    const int64_t n = in_.factors->size(parts[part]);
    ops::ShareDigit digit{n, 0, n};
    for (size_t a = 0; a < step_.work.size(); ++a) {
      if (step_.work[a] != AxisWork{AxisWork::Kind::kSplit, f, part}) continue;
      const int k = mesh.axes[a].size, index = mesh.coordinate(rank_, a);
      digit = {n, share_begin(n, k, index), share_size(n, k, index)};
    }
    digits->push_back(digit);
  }
}

// Whether the call draws the numbers of the elements that the rank makes.
std::string CallMatch::share_error(const ops::CallSignature& got) const {
  std::vector<ops::ShareDigit> wanted;
  if (!tensors_.made.empty()) {
    for (const std::vector<ops::FactorIndex>& dim : *tensors_.made[0].dims) {
      for (const ops::FactorIndex f : dim) add_digits(f, &wanted);
    }
  }
  if (const auto drawn = ops::share_of(node_.signature)) {
    auto part = ops::part_of_part(*drawn, std::move(wanted));
    if (!part) return "no digits say what it draws";
    wanted = std::move(*part);
  }
  const auto is_whole = [](const ops::ShareDigit& d) { return d.size == d.whole; };
  const ops::Arg* share = ops::share_argument(got);
  if (std::ranges::all_of(wanted, is_whole)) return share ? "it draws a part of the whole" : "";
  // Neighbours that are whole are one digit.
  std::vector<ops::ShareDigit> merged;
  for (const ops::ShareDigit& d : wanted) {
    if (!merged.empty() && is_whole(d) && is_whole(merged.back())) {
      merged.back().whole *= d.whole;
      merged.back().size *= d.size;
    } else {
      merged.push_back(d);
    }
  }
  const auto digits = ops::share_of(got);
  return digits && *digits == merged ? "" : "it draws other numbers than its part has";
}

std::string CallMatch::error(int rank, const ops::CallSignature& got,
                             std::vector<int64_t>* begins) {
  use_rank(rank);
  const ops::CallSignature& wanted = node_.signature;
  if (got.op != wanted.op || got.overload != wanted.overload) {
    return "it is " + got.op + (got.overload.empty() ? "" : "." + got.overload);
  }
  // Which part is drawn is compared by itself.
  const size_t args = wanted.args.size() - (ops::share_argument(wanted) ? 1 : 0);
  if (got.args.size() - (ops::share_argument(got) ? 1 : 0) != args ||
      got.results.size() != wanted.results.size()) {
    return "it has other arguments";
  }
  size_t operand = 0, fresh = 0;
  for (size_t a = 0; a < args; ++a) {
    const bool states = std::ranges::any_of(
        rule_.rule.sizes, [&](const ops::SizeArgument& s) { return s.argument == a; });
    const bool points = table_ && table_->form.position == a;
    if (table_ && table_->form.ignored == a && got.args[a].kind == ops::ArgKind::kInt) continue;
    std::string what = states || points
                           ? argument_error(stated(a), got.args[a], &operand, begins)
                           : argument_error(wanted.args[a], got.args[a], &operand, begins);
    if (!what.empty()) return "argument " + std::to_string(a) + ": " + what;
  }
  for (size_t r = 0; r < wanted.results.size(); ++r) {
    std::string what = result_error(wanted.results[r], got.results[r], &fresh, begins);
    if (!what.empty()) return what;
  }
  return ops::draws(wanted) ? share_error(got) : "";
}

}  // namespace moai::compiler
