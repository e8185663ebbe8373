#include "moai/compiler/conformance/virtual_ranks.h"

#include <algorithm>

#include "moai/compiler/conformance/reduce_bytes.h"
#include "moai/ops/bundled_call.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/started_call.h"
#include "moai/tensor/along.h"

namespace moai::compiler {
namespace {

uint64_t size_of(const tensor::Geometry& g) {
  return static_cast<uint64_t>(tensor::element_count(g)) * tensor::dtype_size(g.dtype);
}
uint64_t offset_of(const tensor::Geometry& g) {
  return static_cast<uint64_t>(g.offset) * tensor::dtype_size(g.dtype);
}

}  // namespace

VirtualRanks::VirtualRanks(device::Device* device, const graph::SignatureTable* signatures,
                           Mesh mesh)
    : device_(*device),
      signatures_(*signatures),
      mesh_(std::move(mesh)),
      storages_(static_cast<size_t>(mesh_.ranks())),
      memory_(storages_.size()),
      collectives_(static_cast<size_t>(mesh_.stages())) {}

Status VirtualRanks::put(int rank, graph::StorageId storage, std::string_view bytes) {
  auto buffer = device_.allocate(bytes.size());
  if (!buffer.ok()) return buffer.status();
  const Status status = device_.copy_in(buffer->get(), 0, bytes);
  storages_[static_cast<size_t>(rank)][storage] = std::move(*buffer);
  count(rank);
  return status;
}

Result<std::string> VirtualRanks::get(int rank, graph::StorageId storage) const {
  const Storages& of_rank = storages_[static_cast<size_t>(rank)];
  const auto found = of_rank.find(storage);
  if (found == of_rank.end() || !found->second) return std::string();
  std::string bytes(found->second->size_bytes(), '\0');
  const Status status = device_.copy_out(*found->second, 0, bytes.size(), bytes.data());
  if (!status.ok()) return status;
  return bytes;
}

Status VirtualRanks::run(const std::vector<graph::Window>& programs) {
  std::vector<Stage> stages;
  const int each = mesh_.stage_ranks();
  for (int s = 0; s < mesh_.stages(); ++s) stages.push_back({s * each, (s + 1) * each, 0});
  for (const Stage& stage : stages) {
    for (int rank = stage.first; rank < stage.end; ++rank) {
      const auto nodes = [&](int r) { return programs[static_cast<size_t>(r)].nodes.size(); };
      if (nodes(rank) != nodes(stage.first)) {
        return internal_error("ranks make different numbers of calls");
      }
    }
  }
  for (bool all = false; !all;) {
    all = true;
    bool any = false;
    for (Stage& stage : stages) {
      const graph::Window& w = programs[static_cast<size_t>(stage.first)];
      while (stage.at < w.nodes.size()) {
        const Result<bool> done = advance(programs, &stage);
        if (!done.ok()) {
          return {done.status().code(), done.status().message() + " in node " +
                                            std::to_string(stage.at) + ": " +
                                            print_node(w, w.nodes[stage.at], signatures_)};
        }
        if (!*done) break;
        any = true;
      }
      all &= stage.at == w.nodes.size();
    }
    if (!all && !any) return internal_error("stages wait for each other");
  }
  if (!started_.empty()) return internal_error("what was started was not waited for");
  for (const auto& [ranks, letters] : sent_) {
    if (!letters.empty()) return internal_error("what a stage sent was not received");
  }
  return ok_status();
}

Result<bool> VirtualRanks::advance(const std::vector<graph::Window>& programs, Stage* stage) {
  const graph::Node& first = programs[static_cast<size_t>(stage->first)].nodes[stage->at];
  if (first.kind == graph::NodeKind::kCall) {
    const std::string op = signatures_.at(first.signature).signature().op;
    if (op == "moai::send" || op == "moai::receive" || op == "moai::broadcast") {
      MOAI_ASSIGN_OR_RETURN(const bool passed, pass(programs, *stage, op));
      stage->at += passed;
      return passed;
    }
  }
  MOAI_RETURN_IF_ERROR(step(programs, *stage));
  ++stage->at;
  return true;
}

// What goes to, or comes from, the ranks of another stage, or of all.
Result<bool> VirtualRanks::pass(const std::vector<graph::Window>& programs, const Stage& stage,
                                const std::string& op) {
  const auto peer_of = [](const ops::CallSignature& s) {
    return static_cast<size_t>(s.args[s.args.size() - 2].ints[0]);
  };
  for (int rank = stage.first; rank < stage.end; ++rank) {
    const graph::Window& w = programs[static_cast<size_t>(rank)];
    const graph::Node& n = w.nodes[stage.at];
    const ops::CallSignature s = signatures_.at(n.signature).signature();
    const std::vector<int> group = mesh_.group(rank, 0);
    if (s.op != op || peer_of(s) >= group.size() || s.args.back().ints[0] != 0) {
      return internal_error("rank " + std::to_string(rank) + " sends or receives otherwise");
    }
    const int peer = group[peer_of(s)];
    const auto items = ops::unbundled_call(s);
    if (!items) return internal_error("lists of other lengths travel");
    const auto ids = w.storages_of(n);
    if (s.results[0].kind == ops::ResultKind::kFresh) {
      std::deque<std::string>& letters = sent_[{peer, rank}];
      if (letters.empty()) return false;
      const std::string bytes = std::move(letters.front());
      letters.pop_front();
      size_t begin = 0;
      for (const ops::CallSignature& item : *items) begin += size_of(item.results[0].geometry);
      if (bytes.size() != begin) return internal_error("a message of another size");
      moved_bytes_ += bytes.size();
      begin = 0;
      for (size_t k = 0; k < items->size(); ++k) {
        const size_t size = size_of((*items)[k].results[0].geometry);
        MOAI_RETURN_IF_ERROR(put(rank, ids[k], bytes.substr(begin, size)));
        begin += size;
      }
      continue;
    }
    std::string letter;
    for (size_t k = 0; k < items->size(); ++k) {
      MOAI_ASSIGN_OR_RETURN(const std::string bytes, sent_bytes(rank, (*items)[k], ids[k]));
      letter += bytes;
    }
    for (const int to : op == "moai::send" ? std::vector{peer} : group) {
      if (to != rank) sent_[{rank, to}].push_back(letter);
    }
  }
  ++collectives_[static_cast<size_t>(mesh_.stage(stage.first))];
  return true;
}

Result<std::string> VirtualRanks::sent_bytes(int rank, const ops::CallSignature& s,
                                             graph::StorageId id) const {
  const tensor::Geometry& g = ops::tensor_operands(s)[0]->geometry;
  MOAI_ASSIGN_OR_RETURN(const std::string bytes, get(rank, id));
  if (bytes.size() < offset_of(g) + size_of(g)) {
    return internal_error("a storage is too small for what travels");
  }
  return bytes.substr(offset_of(g), size_of(g));
}

Status VirtualRanks::step(const std::vector<graph::Window>& programs, const Stage& stage) {
  const size_t at = stage.at;
  const graph::Node& first = programs[static_cast<size_t>(stage.first)].nodes[at];
  if (first.kind == graph::NodeKind::kCall) {
    const ops::CallSignature s = signatures_.at(first.signature).signature();
    if (ops::is_start(s)) return start(programs, stage);
    if (ops::is_wait(s)) return wait(programs, stage);
    if (ops::can_start(s)) return collective(programs, stage);
  }
  for (int rank = stage.first; rank < stage.end; ++rank) {
    const graph::Window& w = programs[static_cast<size_t>(rank)];
    if (w.nodes[at].kind != first.kind) {
      return internal_error("rank " + std::to_string(rank) + " has another program");
    }
    const Status status = first.kind == graph::NodeKind::kCall ? call(rank, w, w.nodes[at])
                                                               : memory_node(rank, w, w.nodes[at]);
    if (!status.ok()) return status;
  }
  return ok_status();
}

void VirtualRanks::count(int rank, uint64_t workspace) {
  Memory& m = memory_[static_cast<size_t>(rank)];
  m.storage_bytes = 0;
  for (const auto& [id, buffer] : storages_[static_cast<size_t>(rank)]) {
    if (buffer) m.storage_bytes += buffer->size_bytes();
  }
  m.storage_bytes_max = std::max(m.storage_bytes_max, m.storage_bytes);
  m.bytes_max = std::max(m.bytes_max, m.storage_bytes + workspace);
}

Status VirtualRanks::memory_node(int rank, const graph::Window& w, const graph::Node& n) {
  Storages& of_rank = storages_[static_cast<size_t>(rank)];
  const graph::StorageId id = w.storages_of(n)[0];
  if (n.kind == graph::NodeKind::kFree) {
    of_rank.erase(id);
    return ok_status();
  }
  if (n.kind == graph::NodeKind::kResize) {
    const auto found = of_rank.find(id);
    if (found == of_rank.end()) return not_found("s" + std::to_string(id) + " to resize");
    const Status status = device_.resize(found->second.get(), w.words_of(n)[0]);
    count(rank);
    return status;
  }
  auto buffer = device_.allocate(w.words_of(n)[0]);
  if (!buffer.ok()) return buffer.status();
  of_rank[id] = std::move(*buffer);
  count(rank);
  return ok_status();
}

// Until the wait what is made holds anything.
Status VirtualRanks::start(const std::vector<graph::Window>& programs, const Stage& stage) {
  for (int rank = stage.first; rank < stage.end; ++rank) {
    const graph::Window& w = programs[static_cast<size_t>(rank)];
    const graph::Node& n = w.nodes[stage.at];
    const ops::CallSignature s = signatures_.at(n.signature).signature();
    auto id = w.storages_of(n).last(ops::fresh_results(s).size()).begin();
    for (const ops::Result* r : ops::fresh_results(s)) {
      MOAI_RETURN_IF_ERROR(put(rank, *id++, std::string(size_of(r->geometry), '\xff')));
    }
  }
  started_.push_back(stage);
  return ok_status();
}

// At last, with operands as they are by now.
Status VirtualRanks::wait(const std::vector<graph::Window>& programs, const Stage& stage) {
  const graph::Window& w = programs[static_cast<size_t>(stage.first)];
  const auto made = w.storages_of(w.nodes[stage.at]);
  const auto found = std::ranges::find_if(started_, [&](const Stage& started) {
    const auto ids = w.storages_of(w.nodes[started.at]);
    return started.first == stage.first && ids.size() >= made.size() &&
           std::ranges::equal(ids.last(made.size()), made);
  });
  if (found == started_.end()) return internal_error("what is waited for was not started");
  const Stage started = *found;
  started_.erase(found);
  return collective(programs, started);
}

Status VirtualRanks::call(int rank, const graph::Window& w, const graph::Node& n) {
  const ops::CallSignature s = signatures_.at(n.signature).signature();
  if (s.op.starts_with("moai::skip_")) return ok_status();  // they run, whatever the verdict
  std::unique_ptr<device::Call>& prepared = prepared_[n.signature];
  const graph::SignatureTable::Entry& entry = signatures_.at(n.signature);
  if (!prepared) {
    auto made = device_.prepare(entry.signature());
    if (!made.ok()) return made.status();
    prepared = std::move(*made);
  }
  Storages& of_rank = storages_[static_cast<size_t>(rank)];
  const auto ids = w.storages_of(n);
  std::vector<device::Buffer*> operands;
  for (uint32_t i = 0; i < entry.arity.operands; ++i) {
    const auto found = of_rank.find(ids[i]);
    if (ids[i] != 0 && found == of_rank.end()) {
      return not_found("rank " + std::to_string(rank) + " has no s" + std::to_string(ids[i]));
    }
    operands.push_back(ids[i] == 0 ? nullptr : found->second.get());
  }
  std::vector<device::BufferPtr> fresh(entry.arity.fresh);
  device_.reset_peak();
  const Status status = prepared->run(operands, w.words_of(n), fresh);
  const uint64_t workspace = device_.peak_bytes() - device_.allocated_bytes();
  for (uint32_t i = 0; i < entry.arity.fresh && status.ok(); ++i) {
    const graph::StorageId id = ids[entry.arity.operands + i];
    if (id != 0) of_rank[id] = std::move(fresh[i]);
  }
  count(rank, workspace);
  return status;
}

Status VirtualRanks::collective(const std::vector<graph::Window>& programs, const Stage& stage) {
  ++collectives_[static_cast<size_t>(mesh_.stage(stage.first))];
  const size_t at = stage.at;
  const graph::Node& first = programs[static_cast<size_t>(stage.first)].nodes[at];
  const bool sums = signatures_.at(first.signature).signature().op == "moai::all_reduce";
  if (sums && sums_++ == left_out_) return ok_status();
  std::vector<bool> done(programs.size());
  for (int rank = stage.first; rank < stage.end; ++rank) {
    if (done[static_cast<size_t>(rank)]) continue;
    const graph::Window& own = programs[static_cast<size_t>(rank)];
    const ops::CallSignature s = signatures_.at(own.nodes[at].signature).signature();
    if (own.nodes[at].kind != graph::NodeKind::kCall || !s.op.starts_with("moai::") ||
        s.args.back().ints[0] >= static_cast<int64_t>(mesh_.axes.size())) {
      return internal_error("rank " + std::to_string(rank) + " calls no group");
    }
    std::vector<Taken> items;
    for (const int r : mesh_.group(rank, static_cast<size_t>(s.args.back().ints[0]))) {
      if (r < stage.first || r >= stage.end) return internal_error("a group of several stages");
      const graph::Window& w = programs[static_cast<size_t>(r)];
      const graph::Node& n = w.nodes[at];
      done[static_cast<size_t>(r)] = true;
      const ops::CallSignature other = signatures_.at(n.signature).signature();
      if (n.kind != graph::NodeKind::kCall || other.op != s.op ||
          other.args.back() != s.args.back()) {
        return internal_error("ranks of a group make different calls");
      }
      MOAI_RETURN_IF_ERROR(take(r, w, n, &items));
    }
    for (const Taken& taken : items) MOAI_RETURN_IF_ERROR(check(taken));
    for (const Taken& taken : items) MOAI_RETURN_IF_ERROR(exchange(taken));
  }
  return ok_status();
}

Status VirtualRanks::take(int rank, const graph::Window& w, const graph::Node& n,
                          std::vector<Taken>* items) {
  const auto calls = ops::unbundled_call(signatures_.at(n.signature).signature());
  if (items->empty() && calls) items->resize(calls->size());
  if (!calls || calls->size() != items->size()) return internal_error("lists of other lengths");
  const auto ids = w.storages_of(n);
  for (size_t k = 0; k < calls->size(); ++k) {
    Taken& taken = (*items)[k];
    const ops::CallSignature& item = (*calls)[k];
    MOAI_ASSIGN_OR_RETURN(std::string bytes, sent_bytes(rank, item, ids[k]));
    taken.ranks.push_back(rank);
    taken.parts.push_back(std::move(bytes));
    taken.results.push_back(item.op == "moai::all_reduce" ? ids[k] : ids[calls->size() + k]);
    taken.calls.push_back(item);
  }
  return ok_status();
}

// Whether the sizes that the ranks state fit each other.
Status VirtualRanks::check(const Taken& taken) {
  const auto misfit = [](const std::string& what) {
    return internal_error("what travels does not fit: " + what);
  };
  for (size_t i = 0; i < taken.ranks.size(); ++i) {
    const ops::CallSignature& c = taken.calls[i];
    if (c.op == "moai::all_reduce" || c.op == "moai::reduce_scatter") {
      if (taken.parts[i].size() != taken.parts[0].size()) return misfit("other sizes");
      const size_t kind = c.op == "moai::all_reduce" ? 1 : 3;
      if (c.args[kind] != taken.calls[0].args[kind]) return misfit("other kinds of sums");
    }
    if (c.op == "moai::all_reduce") continue;
    const tensor::Geometry& g = ops::tensor_operands(c)[0]->geometry;
    const auto d = static_cast<size_t>(c.args[1].ints[0]);
    const std::vector<int64_t>& shares = c.args[2].ints;
    if (c.args[1] != taken.calls[0].args[1] || shares != taken.calls[0].args[2].ints) {
      return misfit("other shares");
    }
    if (shares.size() != taken.ranks.size() || d >= g.sizes.size()) return misfit("no share each");
    const bool scatters = c.op == "moai::reduce_scatter";
    const int64_t all = tensor::begin_of(shares, shares.size());
    if (g.sizes[d] != (scatters ? all : shares[i])) return misfit("another share");
    tensor::Geometry whole = g;
    whole.sizes[d] = scatters ? shares[i] : all;
    if (c.op == "moai::all_to_all") {
      const auto to = static_cast<size_t>(c.args[3].ints[0]);
      const std::vector<int64_t>& kept = c.args[4].ints;
      if (to >= g.sizes.size() || to == d || kept.size() != shares.size() ||
          tensor::begin_of(kept, kept.size()) != g.sizes[to]) {
        return misfit("other shares to scatter");
      }
      whole.sizes[to] = kept[i];
    }
    tensor::Geometry first = g;
    const tensor::Geometry& of_first = ops::tensor_operands(taken.calls[0])[0]->geometry;
    if (of_first.sizes.size() != g.sizes.size() || of_first.dtype != g.dtype) {
      return misfit("other tensors");
    }
    first.sizes[d] = of_first.sizes[d];
    if (first.sizes != of_first.sizes) return misfit("other tensors");
    if (c.results[0].geometry.sizes != whole.sizes) return misfit("another result");
  }
  return ok_status();
}

Status VirtualRanks::exchange(const Taken& taken) {
  for (size_t i = 0; i < taken.ranks.size(); ++i) {
    auto bytes = apply(taken, i);
    if (!bytes.ok()) return bytes.status();
    moved_bytes_ += bytes->size();
    const int rank = taken.ranks[i];
    const graph::StorageId id = taken.results[i];
    if (taken.calls[i].op != "moai::all_reduce") {
      MOAI_RETURN_IF_ERROR(put(rank, id, *bytes));
      continue;
    }
    const tensor::Geometry& g = ops::tensor_operands(taken.calls[i])[0]->geometry;
    device::Buffer* sum = storages_[static_cast<size_t>(rank)].at(id).get();
    MOAI_RETURN_IF_ERROR(device_.copy_in(sum, offset_of(g), *bytes));
  }
  return ok_status();
}

// What the rank at `index` of the group ends up with.
Result<std::string> VirtualRanks::apply(const Taken& taken, size_t index) const {
  const ops::CallSignature& mine = taken.calls[index];
  const tensor::Geometry& g = ops::tensor_operands(mine)[0]->geometry;
  if (mine.op == "moai::all_reduce") {
    return reduce_bytes(taken.parts, g.dtype, mine.args[1].text);
  }
  const auto d = static_cast<size_t>(mine.args[1].ints[0]);
  const std::vector<int64_t>& shares = mine.args[2].ints;
  const tensor::Along at = tensor::along(g, d);
  std::string out(size_of(mine.results[0].geometry), '\0');
  if (mine.op == "moai::reduce_scatter") {
    auto whole = reduce_bytes(taken.parts, g.dtype, mine.args[3].text);
    if (!whole.ok()) return whole.status();
    tensor::copy_along(whole->data(), at, tensor::begin_of(shares, index), shares[index],
                       out.data(), at.with_size(shares[index]), 0);
    return out;
  }
  const tensor::Along all = at.with_size(tensor::begin_of(shares, shares.size()));
  std::string gathered(static_cast<size_t>(all.bytes()), '\0');
  for (size_t i = 0; i < taken.parts.size(); ++i) {
    tensor::copy_along(taken.parts[i].data(), at.with_size(shares[i]), 0, shares[i],
                       gathered.data(), all, tensor::begin_of(shares, i));
  }
  if (mine.op == "moai::all_gather") return gathered;
  // all_to_all: of what is gathered, a share of another dimension.
  tensor::Geometry whole = g;
  whole.sizes[d] = all.size;
  const std::vector<int64_t>& kept = mine.args[4].ints;
  const tensor::Along to = tensor::along(whole, static_cast<size_t>(mine.args[3].ints[0]));
  tensor::copy_along(gathered.data(), to, tensor::begin_of(kept, index), kept[index], out.data(),
                     to.with_size(kept[index]), 0);
  return out;
}

}  // namespace moai::compiler
