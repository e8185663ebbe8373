#include "moai/driver/mesh/mesh_stream.h"

#include <algorithm>

#include "moai/base/log.h"
#include "moai/driver/mesh/relocation.h"
#include "moai/driver/stream/greeting.h"

namespace moai::driver {
namespace {

using compiler::RegionBorder;

constexpr std::chrono::milliseconds kPatience{20};

// What each rank may use for storages: a tenth is left to kernels.
uint64_t least_memory(const std::vector<dispatch::Welcome>& welcomes) {
  uint64_t least = welcomes[0].memory_bytes;
  for (const dispatch::Welcome& w : welcomes) least = std::min(least, w.memory_bytes);
  return least / 10 * 9;
}

ChoiceOptions choice_options(const MeshOptions& o, const std::vector<dispatch::Welcome>& welcomes) {
  ChoiceOptions choice{.schedule = o.plans,
                       .ranks = static_cast<int>(welcomes.size()),
                       .rank_bytes = least_memory(welcomes),
                       .version = o.version,
                       .quiet = o.quiet,
                       .tells_search = o.tells_search};
  if (!o.described.state_dir.empty()) choice.cache_folder = o.described.state_dir + "/plans";
  auto cluster =
      job_cluster({welcomes[0].device_kind, choice.ranks, choice.rank_bytes}, o.described);
  choice.overlaps = o.overlaps.value_or(cluster.ok() && cluster->device.overlaps_exchanges);
  if (!o.search) {
    choice.why_no_search = "no search was wanted";
  } else if (cluster.ok()) {
    choice.cluster = std::move(*cluster);
    choice.cluster->device.overlaps_exchanges = choice.overlaps;
  } else {
    choice.why_no_search = cluster.status().message();
  }
  return choice;
}

}  // namespace

Result<std::unique_ptr<Stream>> MeshStream::open(std::vector<ConnectedWorker> workers,
                                                 const MeshOptions& options,
                                                 graph::SignatureTable* signatures,
                                                 std::atomic<StorageId>* next_storage,
                                                 Answers* answers, const Interrupt& interrupt) {
  MOAI_ASSIGN_OR_RETURN(std::vector<dispatch::Welcome> welcomes,
                        greet_all(workers, options.greeting_max, interrupt));
  MOAI_ASSIGN_OR_RETURN(auto choice, PlanChoice::make(choice_options(options, welcomes)));
  return std::unique_ptr<Stream>(new MeshStream(std::move(workers), std::move(welcomes), options,
                                                std::move(choice), signatures, next_storage,
                                                answers));
}

MeshStream::MeshStream(std::vector<ConnectedWorker> workers,
                       std::vector<dispatch::Welcome> welcomes, const MeshOptions& options,
                       std::unique_ptr<PlanChoice> choice, graph::SignatureTable* signatures,
                       std::atomic<StorageId>* next_storage, Answers* answers)
    : options_(options),
      signatures_(*signatures),
      next_storage_(*next_storage),
      answers_(*answers),
      gathering_(&ranks_, answers, &clock_),
      mesh_(compiler::mesh_of(choice->first().degrees)),
      queue_(&ranks_),
      shards_(&mesh_, &storages_, &queue_, signatures, next_storage),
      plans_(choice->first(), &storages_, signatures, choice->overlaps()),
      choice_(std::move(choice)) {
  for (size_t rank = 0; rank < workers.size(); ++rank) {
    ranks_.push_back(std::make_unique<RankLink>(std::move(workers[rank].link),
                                                std::move(welcomes[rank]),
                                                std::move(workers[rank].name), signatures));
  }
}

// ---- what comes

Status MeshStream::send(dispatch::Message* message, const Interrupt& interrupt) {
  MOAI_RETURN_IF_ERROR(deliver(interrupt));
  std::visit([&](auto& m) { take(&m); }, *message);
  return started(deliver(interrupt));
}

Status MeshStream::end_step(const Interrupt& interrupt) {
  MOAI_RETURN_IF_ERROR(deliver(interrupt));
  end_window();
  choice_->step_ended();
  return started(deliver(interrupt));
}

// What is waited for is on its way already, or a marker.
Status MeshStream::flush(const Interrupt& interrupt) {
  if (!markers_.empty()) end_window();
  return deliver(interrupt);
}

// What was taken is not to be sent again: the rest of it leaves with what comes next.
Status MeshStream::started(const Status& delivered) {
  return delivered.code() == Code::kCancelled ? ok_status() : delivered;
}

void MeshStream::take(dispatch::Run* run) {
  uint64_t sequence = run->first_sequence;
  builder_.each(*run, [&](const WindowBuilder::Recorded& r) { record(r, &sequence); });
}

void MeshStream::take(dispatch::RunTemplate* run) {
  uint64_t sequence = run->first_sequence;
  builder_.each(*run, [&](const WindowBuilder::Recorded& r) { record(r, &sequence); });
}

void MeshStream::record(const WindowBuilder::Recorded& r, uint64_t* sequence) {
  if (r.kind == graph::NodeKind::kResize) {
    end_window();
    return resize(r.storages[0], r.words[0]);
  }
  builder_.add(r, *sequence);
  if (r.kind == graph::NodeKind::kCall) {
    sequence_ = (*sequence)++;
    note_border(r.signature);
  }
  if (builder_.nodes() >= options_.window_nodes_max) end_window();
}

void MeshStream::note_border(graph::SignatureId id) {
  if (borders_.size() <= id) borders_.resize(id + 1);
  std::optional<RegionBorder>& border = borders_[id];
  if (!border) border = compiler::region_border(signatures_.at(id).signature().op);
  if (border == RegionBorder::kBegin) {
    builder_.begin_region();
    region_markers_ = markers_.size();
  }
  if (border == RegionBorder::kEnd) builder_.end_region();
}

void MeshStream::take(dispatch::Upload* upload) {
  if (builder_.touches(upload->storage)) end_window();
  const Storages::Entry* e = storages_.find(upload->storage);
  if (e && !e->state.free) {
    return shards_.write(upload->storage, upload->storage_bytes, upload->offset, upload->bytes);
  }
  std::string whole = e ? storages_.release(upload->storage) : std::string();
  if (upload->offset == 0 && upload->bytes.size() == upload->storage_bytes) {
    whole = std::move(upload->bytes);
  } else {
    whole.resize(upload->storage_bytes);
    whole.replace(upload->offset, upload->bytes.size(), upload->bytes);
  }
  storages_.hold(upload->storage, std::move(whole));
  if (storages_.held_bytes() > options_.held_bytes_max) {
    for (const StorageId id : storages_.held()) shards_.place(id, {});
  }
}

void MeshStream::take(dispatch::Read* read) {
  const uint64_t sequence = end_window_before(*read);
  Gathering::Request request{.request = read->request,
                             .sequence = sequence,
                             .at_rank = std::vector<dispatch::RequestId>(ranks()),
                             .kind = Gathering::Request::Kind::kRead};
  std::vector<dispatch::Read> reads(ranks());
  for (size_t i = 0; i < read->ranges.size(); ++i) {
    request.range_bytes.push_back(read->ranges[i].size);
    shards_.read(read->ranges[i], i, &reads, &request.copies);
  }
  std::vector<size_t> counts;
  for (size_t rank = 0; rank < ranks(); ++rank) {
    counts.push_back(reads[rank].ranges.size());
    if (!reads[rank].ranges.empty()) request.at_rank[rank] = ranks_[rank]->next_request();
    reads[rank].request = request.at_rank[rank];
  }
  gathering_.expect(std::move(request), counts);
  for (size_t rank = 0; rank < ranks(); ++rank) {
    if (reads[rank].request) queue_.push(rank, std::move(reads[rank]));
  }
}

void MeshStream::take(dispatch::Ask* ask) {
  end_window();
  for (const StorageId id : ask->operands) shards_.place(id, {});
  sequence_ = ask->sequence;
  Gathering::Request request{
      .request = ask->request, .sequence = sequence_, .kind = Gathering::Request::Kind::kAsk};
  std::vector<dispatch::Ask> asks(ranks(), *ask);
  for (size_t rank = 0; rank < ranks(); ++rank) {
    asks[rank].request = ranks_[rank]->next_request();
    asks[rank].sequence = ranks_[rank]->pass(ask->sequence, {1}, 1);
    request.at_rank.push_back(asks[rank].request);
  }
  gathering_.expect(std::move(request), std::vector<size_t>(ranks()));
  for (size_t rank = 0; rank < ranks(); ++rank) queue_.push(rank, std::move(asks[rank]));
}

// Waits for nothing: it stands behind the window that it came in.
void MeshStream::take(dispatch::Marker* marker) { markers_.push_back(*marker); }

void MeshStream::send_marker(const dispatch::Marker& marker, Gathering::Request::Kind kind) {
  Gathering::Request request{.request = marker.request,
                             .sequence = sequence_,
                             .kind = kind,
                             .resets_peak = marker.resets_peak};
  for (const auto& rank : ranks_) request.at_rank.push_back(rank->next_request());
  const std::vector<dispatch::RequestId> ids = request.at_rank;
  gathering_.expect(std::move(request), {});
  for (size_t rank = 0; rank < ranks(); ++rank) {
    queue_.push(rank, dispatch::Marker{ids[rank], marker.resets_peak, marker.trims_memory});
  }
}

void MeshStream::resize(StorageId id, uint64_t bytes) {
  shards_.place(id, {});
  for (size_t rank = 0; rank < ranks(); ++rank) {
    graph::Window w;
    w.resize(id, bytes);
    queue_.run(rank, std::move(w));
  }
  storages_.made(id, bytes);
}

// ---- windows

// What no call of the window changes is read before it. Ends it before calls that may be skipped,
// where these have begun: a window that ended among them would run whole on every rank. Returns the
// script's last call before the read.
uint64_t MeshStream::end_window_before(const dispatch::Read& read) {
  for (const auto& [id, bytes] : gathering_.take_made()) storages_.made(id, bytes);
  const bool is_older = std::ranges::none_of(read.ranges, [&](const dispatch::ReadRange& r) {
    const compiler::StorageState* state = storages_.state(r.storage);
    const bool waits_here = state && state->free;  // until the window says where it should lie
    return waits_here || builder_.changes(r.storage, signatures_);
  });
  if (is_older) return builder_.first_sequence() ? builder_.first_sequence() - 1 : sequence_;
  const bool before_region = markers_.size() == region_markers_ &&
                             std::ranges::all_of(read.ranges, [&](const dispatch::ReadRange& r) {
                               return builder_.stands_before_region(r.storage);
                             });
  if (!before_region) {
    end_window();
    return sequence_;
  }
  end_window(builder_.take_before_region());
  region_markers_ = 0;
  return builder_.first_sequence() - 1;
}

void MeshStream::end_window() { end_window(builder_.take()); }

void MeshStream::end_window(const WindowBuilder::Built& built) {
  for (const auto& [id, bytes] : gathering_.take_made()) storages_.made(id, bytes);
  for (const StorageId id : built.released) free(id);
  if (!built.window.empty()) run(built);
  for (const dispatch::Marker& m : std::exchange(markers_, {})) send_marker(m);
}

void MeshStream::run(const WindowBuilder::Built& built) {
  join_mesh();
  const bool in_region = builder_.cuts_region();
  if (in_region) {
    make_whole();
  } else if (!choice_->settled()) {
    change_plan(built.window);
  }
  const PlanBook::Found found = plans_.find(built.window, in_region);
  if (!found.plan->verified.ok()) {
    broken_ = internal_error("[driver.mesh] no program of the window is right: " +
                             found.plan->verified.message());
    return;
  }
  choice_->runs(built.window, *found.plan, signatures_, storages_);
  using Kind = Gathering::Request::Kind;
  const bool measures = found.plan->trains && clock_.measures_next();
  if (measures) send_marker({}, Kind::kStepBegin);
  send(found, built);
  if (measures) send_marker({}, Kind::kStepEnd);
}

// Before calls that may be skipped and that go on in the next window: what would have to be moved
// for that might not be.
void MeshStream::make_whole() {
  std::vector<StorageId> ids;
  storages_.each([&](StorageId id, const compiler::StorageState& state) {
    if (!state.free && !state.layout.whole()) ids.push_back(id);
  });
  std::ranges::sort(ids);
  for (const StorageId id : ids) shards_.place(id, {});
}

void MeshStream::send(const PlanBook::Found& found, const WindowBuilder::Built& built) {
  WindowPlan& plan = *found.plan;
  std::vector<StorageId> storages = found.storages;
  for (const auto& [number, layout] : plan.before) shards_.place(storages[number], layout);
  const uint64_t temporaries = plan.temporaries_end - plan.first_temporary;
  const StorageId first = next_storage_.fetch_add(temporaries);
  for (uint64_t i = 0; i < temporaries; ++i) storages.push_back(first + i);
  for (const dispatch::TemplateId id : plans_.take_dropped()) {
    queue_.push_all(dispatch::DropTemplate{id});
  }
  const bool repeats = ++plan.runs > 1;
  const bool defines = repeats && !std::exchange(plan.defined, repeats);
  for (size_t rank = 0; rank < ranks(); ++rank) {
    const RankProgram& p = plan.ranks[rank];
    if (defines) queue_.push(rank, dispatch::DefineTemplate{plan.id, p.program});
    const uint64_t sequence = ranks_[rank]->pass(built.first_sequence, p.calls, p.calls.size());
    if (repeats) {
      queue_.push(rank, bind_template(p, plan.id, sequence, storages, built.window.words));
    } else {
      queue_.push(rank, bind_once(p, sequence, storages, built.window.words));
    }
  }
  for (const auto& [number, bytes] : plan.made) storages_.made(storages[number], bytes);
  for (const auto& [number, layout] : plan.after) {
    storages_.find(storages[number])->state.layout = layout;
  }
  for (const StorageId number : plan.released) storages_.forget(storages[number]);
}

void MeshStream::change_plan(const graph::Window& w) {
  const auto wanted = choice_->before(w, plans_.known(w), signatures_);
  if (!wanted) return;
  const Status changed = change(*wanted, w);
  choice_->taken(changed);
  if (!changed.ok()) return;
  clock_.begin_anew();
  send_marker({}, Gathering::Request::Kind::kPlanEnd);
  send_marker({.resets_peak = true}, Gathering::Request::Kind::kPlanBegin);
  join_mesh();
}

// The next plan holds from this window on, or all stays as it is.
Status MeshStream::change(const PlanBook::Options& options, const graph::Window& w) {
  compiler::Mesh next = compiler::mesh_of(options.degrees);
  Relocation relocation(&storages_, &mesh_, &next, w);
  PlanBook::Draft draft = plans_.draft(w, options);
  for (const auto& [number, layout] : draft.plan->before) {
    relocation.want(draft.storages[number], layout);
  }
  const uint64_t bytes = std::max(relocation.rank_bytes(), draft.plan->rank_bytes);
  Status status = draft.plan->verified;
  if (status.ok()) status = draft.plan->in_time;
  if (status.ok() && !draft.plan->why_whole.empty()) {
    status = failed_precondition("every device would run all of it: " + draft.plan->why_whole);
  }
  if (status.ok() && options.rank_bytes && bytes > options.rank_bytes) {
    status = resource_exhausted("a device would need " + std::to_string(bytes) + " of " +
                                std::to_string(options.rank_bytes) + " bytes");
  }
  if (!status.ok()) {
    relocation.undo();
    return status;
  }
  relocation.run(&shards_);
  plans_.begin_anew(options, w, std::move(draft));
  joined_ = joined_ && same_axes(mesh_, next);
  mesh_ = std::move(next);
  return ok_status();
}

// Groups that broke are made anew: the script may go on after an error.
void MeshStream::join_mesh() {
  const bool failed = gathering_.take_failed();
  if (!failed && joined_) return;
  // What a failed call should have written has no value on some ranks, which no move could tell.
  if (failed) choice_->give_up("a call of the script failed on a device");
  joined_ = true;
  dispatch::JoinMesh join{.id = ++meshes_};
  for (const compiler::MeshAxis& a : mesh_.axes) {
    join.axes.push_back(static_cast<uint32_t>(a.size));
  }
  queue_.push_all(join);
}

void MeshStream::free(StorageId id) {
  const compiler::StorageState* state = storages_.state(id);
  const compiler::StorageLayout layout = state ? state->layout : compiler::StorageLayout{};
  if (!storages_.forget(id)) return;
  for (size_t rank = 0; rank < ranks(); ++rank) {
    if (!layout.is_on(mesh_, static_cast<int>(rank))) continue;
    graph::Window w;
    w.free(id);
    queue_.run(rank, std::move(w));
  }
}

// ---- sending and receiving

Status MeshStream::deliver(const Interrupt& interrupt) {
  MOAI_RETURN_IF_ERROR(broken_);
  while (!queue_.empty()) {
    const auto& [rank, message] = queue_.front();
    const Status sent = ranks_[rank]->exchange().send(message, interrupt);
    if (sent.code() == Code::kCancelled) return sent;
    if (!sent.ok()) return lost(rank, sent);
    queue_.pop();
  }
  return ok_status();
}

Status MeshStream::pump() {
  const uint64_t seen = answers_.changes();
  MOAI_RETURN_IF_ERROR(take_in());
  if (gathering_.fold()) return ok_status();
  const std::optional<size_t> rank = gathering_.awaited();
  if (!rank) {
    answers_.wait(seen, kPatience);
    return ok_status();
  }
  const Status status = ranks_[*rank]->exchange().pump();
  if (!status.ok()) return lost(*rank, status);
  gathering_.fold();
  return ok_status();
}

Status MeshStream::drain() {
  MOAI_RETURN_IF_ERROR(take_in());
  gathering_.fold();
  return ok_status();
}

Status MeshStream::take_in() {
  for (size_t rank = 0; rank < ranks(); ++rank) {
    const Status status = ranks_[rank]->exchange().drain();
    if (!status.ok()) return lost(rank, status);
  }
  return ok_status();
}

Status MeshStream::lost(size_t rank, const Status& how) {
  if (!has_lost_.exchange(true)) lost_rank_ = rank;
  return {how.code(), ranks_[rank]->name() + ": " + how.message()};
}

void MeshStream::close() {
  choice_->stop();
  for (const auto& rank : ranks_) rank->exchange().close();
}

void MeshStream::say_goodbye() {
  for (const auto& rank : ranks_) rank->exchange().say_goodbye();
}

void MeshStream::close_copy() {
  for (const auto& rank : ranks_) rank->exchange().close_copy();
}

session::JobReport::Plan MeshStream::plan() const {
  session::JobReport::Plan plan = choice_->state();
  plan.measured_step_ns = clock_.step_ns();
  plan.measured_bytes = gathering_.peak_bytes();
  return plan;
}

bool MeshStream::busy() const {
  return std::ranges::any_of(ranks_, [](const auto& rank) { return rank->exchange().busy(); });
}

comm::Link::Counters MeshStream::counters() const {
  comm::Link::Counters sum;
  for (const auto& rank : ranks_) {
    const comm::Link::Counters c = rank->exchange().counters();
    sum.frames_sent += c.frames_sent;
    sum.bytes_sent += c.bytes_sent;
    sum.frames_received += c.frames_received;
    sum.bytes_received += c.bytes_received;
  }
  return sum;
}

}  // namespace moai::driver
