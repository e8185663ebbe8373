#include "moai/worker/exec/executor.h"

#include "moai/base/file.h"
#include "moai/base/log.h"
#include "moai/base/profile.h"
#include "moai/comm/link/link.h"

namespace moai::worker {
namespace {

using profile::now_ns;

// Whether the storage of the first place is freed right after instruction `at` of a streamed one.
bool is_freed_after(const program::Program& p, size_t at) {
  const auto places = p.places_of(p.instructions[at]);
  for (size_t next = at + 1; next < p.instructions.size(); ++next) {
    const program::Instruction& i = p.instructions[next];
    if (i.kind != graph::NodeKind::kFree || places.empty()) return false;
    if (p.places_of(i)[0] == places[0]) return true;
  }
  return false;
}

}  // namespace

dispatch::Memory memory_of(const device::Device& device) {
  return {device.allocated_bytes(), device.peak_bytes(), device.reserved_bytes()};
}

Executor::Executor(device::Device* device, Replies* replies, const CompileSite* compiles,
                   Mesh* mesh, std::string counts_file)
    : device_(*device),
      replies_(*replies),
      mesh_(mesh),
      counts_file_(std::move(counts_file)),
      stream_(calls_device(), replies),
      windows_(
          compiles, &stream_, &templates_, replies,
          [this](const Template& t, const dispatch::RunTemplate& m) { return interpret(t, m); }) {}

device::Device& Executor::met_device() const {
  return mesh_ && mesh_->ranks() > 1 ? mesh_->device() : device_;
}

// What calls run on: the ranks' together where there are several, counted where that is asked for.
device::Device* Executor::calls_device() {
  device::Device* device = &met_device();
  if (counts_file_.empty()) return device;
  counted_.emplace(device);
  return &*counted_;
}

void Executor::tell_counts() {
  const uint64_t received = mesh_ ? mesh_->received_bytes() : 0;
  std::string text = "peak_bytes " + std::to_string(device_.peak_bytes()) + "\nreceived_bytes " +
                     std::to_string(received - std::exchange(received_before_, received)) + "\n";
  for (const auto& [signature, count] : counted_->take()) {
    text += "call " + std::to_string(count.runs) + " " + std::to_string(count.seconds * 1e6) + " " +
            signature + "\n";
  }
  const std::string path = counts_file_ + "." + std::to_string(mesh_ ? mesh_->rank() : 0);
  if (const Status status = write_file(path, text); !status.ok()) log_warning(status.message());
}

Status Executor::execute(std::string_view frame) {
  began_ns_ = now_ns();
  Status status = handle(frame);
  busy_ns_ += now_ns() - began_ns_;
  return status;
}

Status Executor::handle(std::string_view frame) {
  if (const auto upload = dispatch::upload_view(frame)) {
    MOAI_RETURN_IF_ERROR(windows_.before_upload(upload->storage));
    return stream_.upload(upload->storage, upload->storage_bytes, upload->offset, upload->bytes);
  }
  MOAI_ASSIGN_OR_RETURN(dispatch::Message message, dispatch::decode(frame));
  MOAI_RETURN_IF_ERROR(windows_.before(message));
  return std::visit([this](auto& m) { return run(m); }, message);
}

template <class Other>
Status Executor::run(const Other&) {
  return invalid_argument("[worker.exec] a message that a front does not send now");
}

Status Executor::run(const dispatch::DefineSignatures& m) {
  graph::SignatureTable& table = stream_.signatures();
  if (m.first != table.size()) {
    return invalid_argument("[worker.exec] signatures from " + std::to_string(m.first) +
                            ", defined so far: " + std::to_string(table.size()));
  }
  for (const ops::CallSignature& signature : m.signatures) {
    const size_t id = table.size();
    if (table.intern(signature) != id) {
      return invalid_argument("[worker.exec] signature " + std::to_string(id) + " twice");
    }
  }
  return ok_status();
}

Status Executor::instruction(const program::Instruction& i, std::span<const StorageId> places,
                             std::span<const uint64_t> words, uint64_t* sequence, bool first_dies) {
  switch (i.kind) {
    case graph::NodeKind::kCall:
      return stream_.call(i.signature, places, words, (*sequence)++, first_dies);
    case graph::NodeKind::kAlloc:
      return stream_.alloc(places[0], words[0]);
    case graph::NodeKind::kResize:
      return stream_.resize(places[0], words[0]);
    case graph::NodeKind::kFree:
      break;
  }
  return stream_.free(places[0]);
}

Status Executor::run(const dispatch::Run& m) {
  if (m.program.is_template) return invalid_argument("[worker.exec] a template was streamed");
  MOAI_RETURN_IF_ERROR(program::verify(m.program, stream_.signatures()));
  uint64_t sequence = m.first_sequence;
  for (size_t at = 0; at < m.program.instructions.size(); ++at) {
    const program::Instruction& i = m.program.instructions[at];
    MOAI_RETURN_IF_ERROR(instruction(i, m.program.places_of(i), m.program.words_of(i), &sequence,
                                     is_freed_after(m.program, at)));
  }
  return ok_status();
}

Status Executor::run(dispatch::DefineTemplate& m) {
  if (!m.program.is_template) return invalid_argument("[worker.exec] no template was defined");
  MOAI_RETURN_IF_ERROR(program::verify(m.program, stream_.signatures()));
  windows_.forget(m.id);
  std::vector<UnreadCall> unread = find_unread(m.program, stream_.signatures());
  templates_.define(m.id, std::move(m.program), std::move(unread));
  return ok_status();
}

Status Executor::run(const dispatch::DropTemplate& m) {
  windows_.forget(m.id);
  return templates_.drop(m.id);
}

Status Executor::run(const dispatch::CompileWindows&) {
  windows_.ask();
  return ok_status();
}

Status Executor::run(const dispatch::JoinMesh& m) {
  if (!mesh_) return invalid_argument("[worker.exec] there is no mesh here");
  stream_.run_on(counted_ ? static_cast<device::Device*>(&*counted_) : &mesh_->device());
  const Status status = mesh_->join(m);
  if (!status.ok()) fault(0, {0, status.code(), "", status.message()});
  if (const Status damage = mesh_->take_damage(); !damage.ok()) stream_.poison_all(damage);
  return ok_status();
}

Status Executor::run(dispatch::RunTemplate& m) {
  MOAI_ASSIGN_OR_RETURN(const Template* t, templates_.begin(m));
  return windows_.asked() ? windows_.run(*t, std::move(m)) : interpret(*t, m);
}

Status Executor::interpret(const Template& t, const dispatch::RunTemplate& m) {
  uint64_t sequence = m.first_sequence;
  auto release = m.releases.begin();
  const auto release_before = [&](uint32_t at) -> Status {
    for (; release != m.releases.end() && release->before <= at; ++release) {
      MOAI_RETURN_IF_ERROR(stream_.free(release->storage));
    }
    return ok_status();
  };
  // Whether `storage` is released before instruction `at`, and not yet.
  const auto released = [&](StorageId storage, uint32_t at) {
    for (auto r = release; r != m.releases.end() && r->before <= at; ++r) {
      if (r->storage == storage) return true;
    }
    return false;
  };
  const std::span<const uint64_t> words(m.words);
  choose_unread(t.unread, m, templates_.bound(), t.words_before[m.begin], &left_out_);
  auto left_out = left_out_.begin();
  for (uint32_t at = m.begin; at < m.end; ++at) {
    MOAI_RETURN_IF_ERROR(release_before(at));
    const program::Instruction& i = t.program.instructions[at];
    const auto places = templates_.resolve(t.program.places_of(i));
    if (left_out != left_out_.end() && *left_out == at) {
      ++left_out;
      MOAI_RETURN_IF_ERROR(stream_.leave_out(i.signature, places, sequence++));
      continue;
    }
    MOAI_RETURN_IF_ERROR(instruction(
        i, places, words.subspan(t.words_before[at] - t.words_before[m.begin], i.words_count),
        &sequence, !places.empty() && released(places[0], at + 1)));
  }
  return release_before(m.end);
}

// ---- requests

CausePtr Executor::unreadable(const dispatch::ReadRange& range) {
  const auto because = [&](Code code, const std::string& text) {
    return std::make_shared<Cause>(Cause{0, code, "", "[worker.read] " + text});
  };
  const Storage* storage = stream_.storages().find(range.storage);
  if (!storage && range.size) {
    return because(Code::kInternal, "no storage " + std::to_string(range.storage));
  }
  if (!storage) return nullptr;
  if (storage->poison) return storage->poison;
  const uint64_t has = storage->buffer ? storage->buffer->size_bytes() : 0;
  if (range.offset > has || range.size > has - range.offset) {
    return because(Code::kInternal, "bytes " + std::to_string(range.offset) + " + " +
                                        std::to_string(range.size) + " of storage " +
                                        std::to_string(range.storage) + ", which has " +
                                        std::to_string(has));
  }
  if (range.size > comm::kFrameBytesMax / 2) {
    return because(Code::kInternal, "too much at once: " + std::to_string(range.size));
  }
  return nullptr;
}

void Executor::fault(dispatch::RequestId request, const Cause& cause) {
  replies_.send(dispatch::Fault{.request = request,
                                .sequence = cause.sequence,
                                .code = cause.code,
                                .op = cause.op,
                                .text = cause.text});
}

Status Executor::run(const dispatch::Read& m) {
  stream_.settle();
  CausePtr cause;
  for (const dispatch::ReadRange& range : m.ranges) {
    if (!cause) cause = unreadable(range);
  }
  if (cause) {
    fault(m.request, *cause);
    return ok_status();
  }
  for (uint32_t i = 0; i < m.ranges.size(); ++i) {
    const dispatch::ReadRange& range = m.ranges[i];
    read_.resize(range.size);
    if (range.size) {
      const Status status = met_device().copy_out(*stream_.storages().find(range.storage)->buffer,
                                                  range.offset, range.size, read_.data());
      if (!status.ok()) {
        fault(m.request, {stream_.sequence(), status.code(), "", status.message()});
        return ok_status();
      }
    }
    replies_.send_data(m.request, i, read_);
  }
  if (read_.capacity() > (size_t{16} << 20)) read_ = {};
  return ok_status();
}

Result<dispatch::Value> Executor::store(device::DynamicValue value, const dispatch::Ask& ask,
                                        uint32_t* used) {
  using Kind = dispatch::Value::Kind;
  dispatch::Value out;
  out.kind = static_cast<Kind>(value.kind);
  out.geometry = std::move(value.geometry);
  out.written_argument = value.written_argument;
  out.integer = value.integer;
  out.real = value.real;
  for (device::DynamicValue& item : value.items) {
    MOAI_ASSIGN_OR_RETURN(dispatch::Value v, store(std::move(item), ask, used));
    out.items.push_back(std::move(v));
  }
  if (!value.buffer) return out;
  if (*used == ask.results_max) {
    return resource_exhausted("[worker.ask] more results than the front has ids for: " +
                              std::to_string(ask.results_max));
  }
  out.storage = ask.first_result + (*used)++;
  out.storage_bytes = value.buffer->size_bytes();
  Storage* storage = stream_.storages().insert(out.storage, out.storage_bytes);
  if (!storage)
    return invalid_argument("[worker.ask] storage " + std::to_string(out.storage) +
                            " exists already");
  storage->buffer = std::move(value.buffer);
  return out;
}

Status Executor::run(const dispatch::Ask& m) {
  if (m.signature >= stream_.signatures().size()) {
    return invalid_argument("[worker.ask] unknown signature " + std::to_string(m.signature));
  }
  const ops::Arity& arity = stream_.signatures().at(m.signature).arity;
  if (m.operands.size() != arity.operands || m.words.size() != arity.words) {
    return invalid_argument("[worker.ask] wrong number of operands or words");
  }
  stream_.settle();
  MOAI_ASSIGN_OR_RETURN(Stream::Answer answer,
                        stream_.ask(m.signature, m.operands, m.words, m.sequence));
  if (answer.failure) {
    fault(m.request, *answer.failure);
    return ok_status();
  }
  dispatch::Answer reply{.request = m.request};
  uint32_t used = 0;
  for (device::DynamicValue& value : answer.values) {
    auto stored = store(std::move(value), m, &used);
    if (!stored.ok()) {
      // Nobody knows these ids: the front was told of no result.
      for (uint32_t i = 0; i < used; ++i) stream_.storages().erase(m.first_result + i);
      fault(m.request, {m.sequence, stored.status().code(), "", stored.status().message()});
      return ok_status();
    }
    reply.results.push_back(std::move(*stored));
  }
  replies_.send(reply);
  return ok_status();
}

Status Executor::run(const dispatch::Marker& m) {
  stream_.settle();
  const Status status = met_device().synchronize();
  if (!status.ok()) fault(0, {stream_.sequence(), status.code(), "", status.message()});
  if (m.resets_peak && counted_) tell_counts();
  if (m.resets_peak) device_.reset_peak();
  if (m.trims_memory) device_.trim();
  const uint64_t now = now_ns();
  replies_.send(dispatch::Reached{.request = m.request,
                                  .sequence = stream_.sequence(),
                                  .time_ns = now,
                                  .busy_ns = busy_ns_ + (now - began_ns_),
                                  .memory = memory_of(device_)});
  return ok_status();
}

Status Executor::run(const dispatch::Goodbye&) {
  finished_ = true;
  return ok_status();
}

}  // namespace moai::worker
