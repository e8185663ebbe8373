#include "moai/compiler/verify/step_run.h"

#include <algorithm>
#include <set>

#include "moai/compiler/verify/move_match.h"
#include "moai/compiler/verify/rank_part.h"
#include "moai/compiler/verify/report.h"
#include "moai/compiler/verify/stage_moves.h"
#include "moai/ops/call_build.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {

using graph::StorageId;
using Place = StorageContents::Place;

namespace {

const Segment& segment_of(const Lowering& in, RegisterId r) {
  return in.graph->segments[in.graph->values[in.program->registers[r].value].segment];
}

std::string name_of(const ops::CallSignature& s) {
  return s.op + (s.overload.empty() ? "" : "." + s.overload);
}

int64_t bytes_to(const tensor::Geometry& g) {
  return g.offset * static_cast<int64_t>(tensor::dtype_size(g.dtype));
}

// Names of calls that begin or end a region that a Worker may skip.
constexpr std::string_view kBorder = "moai::skip_";

const ops::CallSignature& whole_call(const LoweredCall& c, size_t) { return c.signature; }
const ops::CallSignature& list_item(const LoweredCall& c, size_t item) {
  return (*c.parts)[item].signature;
}

}  // namespace

Place home_place(const Lowering& in, RegisterId r) {
  const Segment& s = segment_of(in, r);
  const bool split = std::ranges::any_of(in.program->registers[r].placement, &AxisPlacement::split);
  const auto size = static_cast<int64_t>(tensor::dtype_size(s.dtype));
  return {s.storage, split ? 0 : s.begin * size};
}

bool put_register(const Lowering& in, RegisterId r, Place place, StorageContents* contents) {
  const auto size = static_cast<int64_t>(tensor::dtype_size(segment_of(in, r).dtype));
  // The first rank has the most.
  contents->put(r, place, RankPart(in, r, 0).count() * size);
  if (!contents->is_sized(place.storage)) return true;
  for (int rank = 0; rank < in.program->mesh.ranks(); ++rank) {
    const int64_t end = place.begin + RankPart(in, r, rank).count() * size;
    if (!contents->has_room(place.storage, static_cast<size_t>(rank), end)) return false;
  }
  return true;
}

std::vector<size_t> share_classes(const Lowering& in) {
  const Mesh& mesh = in.program->mesh;
  std::set<int64_t> sizes;
  for (SegmentId s = 0; s < in.graph->segments.size(); ++s) {
    for (const FactorId f : in.factors->of(s)) sizes.insert(in.factors->size(f));
  }
  std::vector<size_t> classes;
  std::vector<std::vector<size_t>> seen;  // by rank
  for (int rank = 0; rank < mesh.ranks(); ++rank) {
    std::vector<size_t> larger;  // of which sizes the rank has one more, by axis
    for (size_t a = 0; a < mesh.axes.size(); ++a) {
      const int k = mesh.axes[a].size, index = mesh.coordinate(rank, a);
      larger.push_back(static_cast<size_t>(
          std::ranges::count_if(sizes, [&](int64_t n) { return index < n % k; })));
    }
    const auto first = std::ranges::find(seen, larger);
    classes.push_back(static_cast<size_t>(first - seen.begin()));
    seen.push_back(std::move(larger));
  }
  return classes;
}

StepRun::StepRun(const Lowering& in, std::span<const graph::Window> ranks,
                 const graph::SignatureTable& signatures, StorageContents* contents)
    : in_(in),
      ranks_(ranks),
      contents_(*contents),
      decoded_(signatures),
      class_(share_classes(in)) {
  for (size_t i = 0; i < in.program->steps.size(); ++i) {
    if (const auto* c = std::get_if<CallStep>(&in.program->steps[i])) {
      const bool over_lists = ops::is_list_call(in.graph->nodes[c->node].signature);
      (over_lists ? lists_ : in_order_).push_back(i);
      continue;
    }
    const MoveStep& m = std::get<MoveStep>(in.program->steps[i]);
    if (m.kind == MoveKind::kAllReduce) {
      sums_[m.from] = i;
    } else {
      in_order_.push_back(i);
    }
  }
}

Status StepRun::wrong(const std::string& what, size_t step) const {
  std::string where = "call " + std::to_string(at_) + ", " + name_of(calls_[0]->signature);
  if (step != kNone) where += ", for " + step_text(in_, step);
  return fault(where, what);
}

bool StepRun::is_alike(size_t rank) const {
  return class_[rank] != rank && node(class_[rank]).signature == node(rank).signature;
}

Status StepRun::call(size_t node) {
  at_ = node;
  ids_ = ranks_[0].storages_of(this->node(0));
  calls_.clear();
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    calls_.push_back(&decoded_.at(this->node(rank).signature));
  }
  const ops::CallSignature& first = calls_[0]->signature;
  if (first.op == "moai::all_reduce") return all_reduce();
  if (calls_[0]->over_lists) return list_call();
  if (unzeroed_ != kNone) return zero_outside();
  if (next_in_order_ == in_order_.size()) return settle();
  const size_t step = in_order_[next_in_order_];
  if (is_border(step) && !first.op.starts_with(kBorder)) return settle();
  if (std::holds_alternative<MoveStep>(in_.program->steps[step])) return moves();
  if (!table_match_ && table_split(in_, call_step(step))) {
    table_match_ = std::make_unique<CallMatch>(in_, call_step(step));
    probes_.emplace(in_, call_step(step), table_match_.get());
  }
  const bool is_call = first.op == in_.graph->nodes[call_step(step).node].signature.op;
  return probes_ && !is_call ? pointer_call(step) : one_call(step);
}

// ---- calls

Status StepRun::one_call(size_t step) {
  Part part{.step = step, .ids = {ids_.begin(), ids_.end()}};
  part.match =
      table_match_ ? std::move(table_match_) : std::make_unique<CallMatch>(in_, call_step(step));
  for (uint32_t w = 0; w < node(0).words_count; ++w) part.words.push_back(w);
  const std::string wanted = name_of(in_.graph->nodes[call_step(step).node].signature);
  std::string what = name_of(calls_[0]->signature) == wanted ? "" : "it is another operator";
  if (what.empty()) what = reads_error(&part);
  if (what.empty()) what = ranks_error(&part, 0, whole_call);
  if (what.empty() && probes_) what = table_error(part);
  if (what.empty() && is_border(step)) what = border_error(step);
  if (!what.empty()) return wrong(what, step);
  const bool zeros = probes_ && part.match->table()->form.outside == ops::Outside::kZeros;
  MOAI_RETURN_IF_ERROR(apply(part));
  ++next_in_order_;
  if (zeros) {
    unzeroed_ = call_step(step).made[0];
    table_match_ = std::move(part.match);
  } else {
    probes_.reset();
  }
  return ok_status();
}

Status StepRun::list_call() {
  std::vector<Part> parts;
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    const bool same = calls_[rank]->parts && calls_[0]->parts &&
                      calls_[rank]->parts->size() == calls_[0]->parts->size();
    if (!same) return wrong("its lists differ in length");
  }
  const std::vector<ops::ListCallPart>& items = *calls_[0]->parts;
  for (size_t k = 0; k < items.size(); ++k) {
    if (next_list_ + k >= lists_.size()) return wrong("no step runs its item " + std::to_string(k));
    const size_t step = lists_[next_list_ + k];
    Part part{.step = step, .match = std::make_unique<CallMatch>(in_, call_step(step))};
    for (const uint32_t i : items[k].operands) part.ids.push_back(ids_[i]);
    for (const uint32_t i : items[k].fresh) part.ids.push_back(ids_[calls_[0]->operands + i]);
    part.words = items[k].words;
    std::string what = reads_error(&part);
    if (what.empty()) what = ranks_error(&part, k, list_item);
    if (!what.empty()) return wrong("item " + std::to_string(k) + ": " + what, step);
    parts.push_back(std::move(part));
  }
  for (const Part& part : parts) MOAI_RETURN_IF_ERROR(apply(part));
  next_list_ += items.size();
  return ok_status();
}

// Whether every register that is read lies where the call reads, and there is a place for what it
// makes.
std::string StepRun::reads_error(Part* part) const {
  const CallStep& step = call_step(part->step);
  const size_t operands = part->match->tensors().operands.size();
  if (part->ids.size() != operands + part->match->fresh_count()) return "it has other tensors";
  part->begins.assign(part->ids.size(), -1);
  for (size_t k = 0; k < part->ids.size(); ++k) {
    const StorageId id = part->ids[k];
    const bool fresh = k >= operands;
    const RegisterId r = fresh ? step.made[k - operands] : part->match->operand(k);
    const std::string name =
        fresh ? "result " + std::to_string(k - operands) : "operand " + std::to_string(k);
    if (r == kNone) {
      if (id != 0) return name + " has no elements and lies in s" + std::to_string(id);
      continue;
    }
    if (fresh) {
      if (contents_.exists(id) || id == 0) return name + ": s" + std::to_string(id) + " exists";
      continue;
    }
    if (probes_ && part->match->table() && part->match->table()->form.pointers == k) continue;
    if (step.operands[k] == kNone) {
      if (!contents_.exists(id)) return name + ": there is no s" + std::to_string(id);
      continue;
    }
    if (r == unzeroed_) return name + " holds what was read outside the table";
    const std::optional<Place> place = contents_.in(id, r);
    if (!place) {
      return name + " is read in s" + std::to_string(id) + ", where " + register_text(in_, r) +
             " is not: it " + contents_.lost_text(r);
    }
    part->begins[k] = place->begin;
  }
  return {};
}

std::string StepRun::ranks_error(Part* part, size_t item, SignatureOf signature_of) const {
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    const std::string on = " on rank " + std::to_string(rank);
    if (std::string what = words_error(*part, rank); !what.empty()) return what + on;
    if (is_alike(rank)) continue;
    const ops::CallSignature& got = signature_of(*calls_[rank], item);
    std::string what = part->match->error(static_cast<int>(rank), got, &part->begins);
    if (!what.empty()) return what + on;
    size_t k = 0;
    for (const ops::Arg* a : ops::tensor_operands(got)) {
      const StorageId id = part->ids[k++];
      if (id == 0 || !contents_.exists(id)) continue;
      if (!contents_.has_room(id, rank, tensor::storage_bytes(a->geometry))) {
        return "s" + std::to_string(id) + " is too small for " + to_string(a->geometry) + on;
      }
    }
  }
  return {};
}

std::string StepRun::words_error(const Part& part, size_t rank) const {
  const ValueNode& n = in_.graph->nodes[call_step(part.step).node];
  const std::span<const uint64_t> words = ranks_[rank].words_of(node(rank));
  if (part.words.size() != n.words.size()) return "it has other words";
  for (size_t w = 0; w < part.words.size(); ++w) {
    if (part.words[w] >= words.size() || words[part.words[w]] != in_.window->words[n.words[w]]) {
      return "word " + std::to_string(w) + " is another than was recorded";
    }
  }
  return {};
}

Status StepRun::apply(const Part& part) {
  const CallStep& step = call_step(part.step);
  const std::vector<CallMade>& made = part.match->tensors().made;
  const size_t operands = part.match->tensors().operands.size();
  for (size_t j = 0; j < made.size(); ++j) {
    const size_t k = made[j].operand == kNone ? operands + j : made[j].operand;
    if (step.made[j] == kNone) continue;
    if (made[j].operand == kNone) contents_.make(part.ids[k], {});
    MOAI_RETURN_IF_ERROR(put(step.made[j], {part.ids[k], part.begins[k]}, part.step));
  }
  return ok_status();
}

Status StepRun::put(RegisterId r, Place place, size_t step) {
  const Value& value = in_.graph->values[in_.program->registers[r].value];
  newest_.resize(in_.graph->segments.size());
  newest_[value.segment] = std::max(newest_[value.segment], value.version);
  if (region_) {
    const Place home = home_place(in_, r);
    region_->before.try_emplace({home.storage, home.begin}, contents_.at(home));
    region_->made.push_back(r);
  }
  if (!put_register(in_, r, place, &contents_)) {
    return wrong("s" + std::to_string(place.storage) + " is too small for " + register_text(in_, r),
                 step);
  }
  return ok_status();
}

// ---- regions that may be skipped

bool StepRun::is_border(size_t step) const {
  const auto* c = std::get_if<CallStep>(&in_.program->steps[step]);
  return c && in_.graph->nodes[c->node].signature.op.starts_with(kBorder);
}

// What is left lies at home on its own side of the border, and nothing that was made within is used
// beyond but what lies at home.
std::string StepRun::border_error(size_t step) {
  if (next_list_ < lists_.size() && lists_[next_list_] < step) {
    return step_text(in_, lists_[next_list_]) + " has not run yet";
  }
  for (const auto& [r, sum] : sums_) {
    if (sum < step) return step_text(in_, sum) + " has not run yet";
  }
  for (const RegisterId r : in_.program->outputs) {
    if (contents_.of(r) && contents_.at(home_place(in_, r)) != r) {
      return register_text(in_, r) + " is not home yet";
    }
  }
  const std::string& op = in_.graph->nodes[call_step(step).node].signature.op;
  if (op == "moai::skip_end") return leave_region();
  newest_.resize(in_.graph->segments.size());
  region_.emplace().newest = newest_;
  return {};
}

std::string StepRun::leave_region() {
  if (!region_) return {};
  for (const RegisterId r : region_->made) {
    if (contents_.at(home_place(in_, r)) != r) {
      contents_.forget(r);
    } else if (std::string what = region_error(r); !what.empty()) {
      return what;
    }
  }
  region_.reset();
  return {};
}

// What was written in the region was at home before it: there it is where it was skipped.
std::string StepRun::region_error(RegisterId made) const {
  const Place home = home_place(in_, made);
  const auto value = [&](RegisterId r) -> const Value& {
    return in_.graph->values[in_.program->registers[r].value];
  };
  const SegmentId segment = value(made).segment;
  const uint32_t newest = region_->newest[segment];
  const RegisterId was = region_->before.at({home.storage, home.begin});
  // What nobody reads has no register; it lies where it did.
  const bool right =
      was == kNone ? newest == 0 : value(was).segment == segment && value(was).version == newest;
  return right ? "" : register_text(in_, made) + " was not at home before the region";
}

// ---- a split table

Status StepRun::pointer_call(size_t step) {
  std::vector<const ops::CallSignature*> by_rank;
  for (const LoweredCall* c : calls_) by_rank.push_back(&c->signature);
  const Place* place = contents_.of(probes_->pointers());
  std::string what =
      place ? "" : "the pointers' register " + contents_.lost_text(probes_->pointers());
  if (what.empty()) what = probes_->run(by_rank, ids_, place->storage, place->begin);
  if (what.empty() && !contents_.make(ids_.back(), {})) what = "its result exists";
  return what.empty() ? ok_status() : wrong(what, step);
}

std::string StepRun::table_error(const Part& part) const {
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    const StorageId id = part.ids[part.match->table()->form.pointers];
    std::string what = probes_->pointers_error(rank, calls_[rank]->signature, id);
    if (!what.empty()) return what + " on rank " + std::to_string(rank);
    if (!contents_.exists(id)) return "s" + std::to_string(id) + " was released";
  }
  return {};
}

Status StepRun::zero_outside() {
  const size_t step = in_order_[next_in_order_ - 1];
  const RegisterId r = unzeroed_;
  const Place* place = contents_.of(r);
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    const ops::CallSignature& s = calls_[rank]->signature;
    const auto args = ops::tensor_operands(s);
    const bool zeroes = name_of(s) == "aten::masked_fill_.Scalar" && args.size() == 2 &&
                        args[0]->written && s.args.back().kind == ops::ArgKind::kInt &&
                        s.args.back().ints[0] == 0;
    if (!zeroes || !place || ids_[0] != place->storage) {
      return wrong("what was read outside the table is not zeroed", step);
    }
    const int on = static_cast<int>(rank);
    tensor::Geometry flat = flat_geometry(in_, r, on, place->begin);
    if (tensor::element_count(args[0]->geometry) != flat.sizes[0] ||
        args[0]->geometry.offset != flat.offset || !tensor::is_contiguous(args[0]->geometry)) {
      return wrong("it zeroes part of the result", step);
    }
    const tensor::Geometry flags = table_match_->flags_geometry(on);
    if (args[1]->geometry.sizes != flags.sizes || args[1]->geometry.strides != flags.strides ||
        args[1]->geometry.offset != 0) {
      return wrong("its flags are " + to_string(args[1]->geometry) + ", not " + to_string(flags),
                   step);
    }
    std::string what = probes_->flags_error(rank, ids_[1]);
    if (what.empty() && !contents_.exists(ids_[1])) what = "its flags were released";
    if (!what.empty()) return wrong(what, step);
  }
  unzeroed_ = kNone;
  table_match_.reset();
  probes_.reset();
  return ok_status();
}

// ---- moves

Status StepRun::all_reduce() {
  std::vector<std::pair<size_t, Place>> done;
  for (size_t k = 0; k < ids_.size(); ++k) {
    const auto items = ops::tensor_operands(calls_[0]->signature);
    if (k >= items.size() || items.size() != ids_.size()) return wrong("it has other tensors");
    const Place place{ids_[k], bytes_to(items[k]->geometry)};
    const RegisterId r = contents_.at(place);
    const auto sum = sums_.find(r);
    if (r == kNone || sum == sums_.end()) {
      return wrong("no step sums item " + std::to_string(k) +
                   (r == kNone ? "" : ", " + register_text(in_, r)));
    }
    const MoveStep& m = std::get<MoveStep>(in_.program->steps[sum->second]);
    const ops::Reduction reduction = in_.program->registers[r].placement[m.axis].reduction;
    if (r == unzeroed_) return wrong("it sums what was read outside the table", sum->second);
    for (size_t rank = 0; rank < ranks_.size(); ++rank) {
      const ops::CallSignature& s = calls_[rank]->signature;
      const auto tensors = ops::tensor_operands(s);
      if (s.op != "moai::all_reduce" || s.args.size() != 3 || tensors.size() != ids_.size()) {
        return wrong("rank " + std::to_string(rank) + " makes another call");
      }
      if (s.args[1] != ops::Arg{.kind = ops::ArgKind::kString,
                                .text = std::string(tensor::reduction_name(reduction))}) {
        return wrong("its kind is " + s.args[1].text, sum->second);
      }
      if (s.args[2] != ops::Arg{.kind = ops::ArgKind::kInt, .ints = {m.axis}}) {
        return wrong("it is over another axis", sum->second);
      }
      const auto wanted = flat_geometry(in_, r, static_cast<int>(rank), place.begin);
      if (tensors[k]->geometry != wanted || !tensors[k]->written) {
        return wrong("item " + std::to_string(k) + " is " + to_string(tensors[k]->geometry) +
                         ", not " + to_string(wanted) + " on rank " + std::to_string(rank),
                     sum->second);
      }
    }
    done.emplace_back(sum->second, place);
    sums_.erase(sum);
  }
  for (const auto& [step, place] : done) {
    const MoveStep& m = std::get<MoveStep>(in_.program->steps[step]);
    MOAI_RETURN_IF_ERROR(put(m.to, place, step));
  }
  return ok_status();
}

// What goes to other ranks or comes from them, or is cut out of what is here. As many steps as the
// call has items, all of which it reads before it makes any.
Status StepRun::moves() {
  const size_t items = calls_[0]->moves ? calls_[0]->moves->size() : 1;
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    const bool same = calls_[rank]->moves.has_value() == calls_[0]->moves.has_value() &&
                      (!calls_[rank]->moves || calls_[rank]->moves->size() == items);
    if (!same) return wrong("its lists differ in length");
  }
  std::vector<Moved> all;
  for (size_t k = 0; k < items; ++k) {
    if (next_in_order_ + k >= in_order_.size()) return wrong("all steps have run");
    MOAI_ASSIGN_OR_RETURN(const Moved moved, move(in_order_[next_in_order_ + k], k));
    all.push_back(moved);
  }
  next_in_order_ += items;
  for (const Moved& moved : all) {
    if (moved.to == 0) continue;
    if (!contents_.make(moved.to, {})) return wrong("its result exists", moved.step);
    const MoveStep& m = std::get<MoveStep>(in_.program->steps[moved.step]);
    MOAI_RETURN_IF_ERROR(put(m.to, {moved.to, 0}, moved.step));
  }
  return ok_status();
}

Result<StepRun::Moved> StepRun::move(size_t step, size_t item) {
  const auto* m = std::get_if<MoveStep>(&in_.program->steps[step]);
  if (!m) return wrong("it is another operator", step);
  const bool takes = m->from != kNone, makes = m->to != kNone;
  const size_t items = calls_[0]->moves ? calls_[0]->moves->size() : 1;
  if (ids_.size() != items * (size_t{takes} + size_t{makes})) {
    return wrong("it has other tensors", step);
  }
  Moved moved{.step = step};
  if (takes) moved.from = contents_.in(ids_[item], m->from);
  if (makes) moved.to = ids_[takes ? items + item : item];
  if (takes && (!moved.from || m->from == unzeroed_)) {
    return wrong("it reads s" + std::to_string(ids_[item]) + ", " + register_text(in_, m->from) +
                     " " + contents_.lost_text(m->from),
                 step);
  }
  if (makes && moved.to == 0) return wrong("it has other tensors", step);
  const bool by_index = m->kind == MoveKind::kSlice || m->kind == MoveKind::kMask;
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (!by_index && is_alike(rank)) continue;
    const auto wanted = wanted_move(*m, rank, moved.from ? moved.from->begin : 0);
    const ops::CallSignature& got =
        calls_[rank]->moves ? (*calls_[rank]->moves)[item] : calls_[rank]->signature;
    if (got == wanted) continue;
    return wrong("it is " + to_string(got) + ", not " + to_string(wanted) + " on rank " +
                     std::to_string(rank),
                 step);
  }
  return moved;
}

ops::CallSignature StepRun::wanted_move(const MoveStep& m, size_t rank, int64_t begin) const {
  const auto on = static_cast<int>(rank);
  return crosses_stages(m.kind) ? stage_move_call(in_, m, on, begin) : move_call(in_, m, on, begin);
}

// What is left in a copy goes back, or makes the storage that a call did not.
Status StepRun::settle() {
  const bool makes = name_of(calls_[0]->signature) == "aten::clone";
  const size_t from = makes ? 0 : 1;
  const auto tensors = ops::tensor_operands(calls_[0]->signature);
  if (ids_.size() != 2 || tensors.size() != from + 1) return wrong("all steps have run");
  const RegisterId r = contents_.at({ids_[from], bytes_to(tensors[from]->geometry)});
  const std::vector<RegisterId>& outputs = in_.program->outputs;
  if (r == kNone || std::ranges::find(outputs, r) == outputs.end()) {
    return wrong("it copies what the window does not leave");
  }
  const Place home = home_place(in_, r);
  const Place place{ids_[from], bytes_to(tensors[from]->geometry)};
  if (ids_[1 - from] != home.storage || contents_.exists(home.storage) == makes) {
    return wrong(register_text(in_, r) + " goes to s" + std::to_string(ids_[1 - from]));
  }
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    const auto on = static_cast<int>(rank);
    const tensor::Geometry target = flat_geometry(in_, r, on, home.begin);
    const tensor::Geometry source = flat_geometry(in_, r, on, place.begin);
    const ops::Arg no_argument{}, at_once{.kind = ops::ArgKind::kBool, .ints = {0}};
    const ops::CallSignature wanted =
        makes ? ops::CallSignature{.op = "aten::clone",
                                   .overload = "",
                                   .args = {ops::of_tensor(source), no_argument},
                                   .results = {ops::of_fresh(target)}}
              : ops::CallSignature{
                    .op = "aten::copy_",
                    .overload = "",
                    .args = {ops::of_tensor(target, true), ops::of_tensor(source), at_once},
                    .results = {{.kind = ops::ResultKind::kIgnored}}};
    if (calls_[rank]->signature != wanted) {
      return wrong("it is not " + to_string(wanted) + " on rank " + std::to_string(rank));
    }
  }
  if (makes) contents_.make(home.storage, {});
  const bool fits = put_register(in_, r, home, &contents_);
  return fits ? ok_status() : wrong("there is no room for " + register_text(in_, r));
}

Status StepRun::finish() const {
  size_t step = kNone;
  if (next_in_order_ < in_order_.size()) step = in_order_[next_in_order_];
  if (next_list_ < lists_.size()) step = lists_[next_list_];
  if (!sums_.empty()) step = sums_.begin()->second;
  if (step != kNone) return fault(step_text(in_, step), "no call carries it out");
  return unzeroed_ == kNone ? ok_status()
                            : fault(register_text(in_, unzeroed_), "it is never zeroed outside");
}

}  // namespace moai::compiler
