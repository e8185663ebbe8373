#include "moai/worker/exec/stream.h"

#include <algorithm>
#include <utility>

#include "moai/ops/overwrites.h"
#include "moai/ops/purity.h"

namespace moai::worker {
namespace {

std::string name_of(const ops::CallSignature& s) {
  return s.overload.empty() ? s.op : s.op + "." + s.overload;
}

Status broken(const char* what, StorageId id) {
  return invalid_argument(std::string("[worker.stream] ") + what + ": storage " +
                          std::to_string(id));
}

void collect(const ops::Result& result, std::vector<uint64_t>* out) {
  if (result.kind == ops::ResultKind::kFresh) {
    out->push_back(static_cast<uint64_t>(tensor::storage_bytes(result.geometry)));
  }
  for (const ops::Result& item : result.items) collect(item, out);
}

}  // namespace

// ---- memory

Status Stream::alloc(StorageId id, uint64_t size_bytes) {
  Storage* storage = storages_.insert(id, size_bytes);
  if (!storage) return broken("allocated twice", id);
  if (size_bytes == 0) return ok_status();
  auto buffer = device_->allocate(size_bytes);
  if (buffer.ok()) {
    storage->buffer = std::move(*buffer);
  } else {
    storage->poison = fail(buffer.status(), sequence_, "");
  }
  return ok_status();
}

Status Stream::resize(StorageId id, uint64_t size_bytes) {
  Storage* storage = storages_.find(id);
  if (!storage) return broken("resized, but unknown", id);
  storage->size_bytes = std::max(storage->size_bytes, size_bytes);
  if (storage->poison && !storage->buffer) return ok_status();  // has memory once it is overwritten
  Status status;
  if (storage->buffer) {
    status = device_->resize(storage->buffer.get(), size_bytes);
  } else if (size_bytes) {
    auto buffer = device_->allocate(size_bytes);
    status = buffer.status();
    if (buffer.ok()) storage->buffer = std::move(*buffer);
  }
  if (!status.ok()) storage->poison = fail(status, sequence_, "");
  return ok_status();
}

Status Stream::free(StorageId id) {
  return storages_.erase(id) ? ok_status() : broken("freed, but unknown", id);
}

Status Stream::upload(StorageId id, uint64_t storage_bytes, uint64_t offset,
                      std::string_view bytes) {
  Storage* storage = storages_.find(id);
  if (!storage) storage = storages_.insert(id, storage_bytes);
  if (!storage) return broken("uploaded to", id);
  if (!storage->buffer && storage->size_bytes) {
    auto buffer = device_->allocate(storage->size_bytes);
    if (!buffer.ok()) {
      storage->poison = fail(buffer.status(), sequence_, "");
      return ok_status();
    }
    storage->buffer = std::move(*buffer);
  }
  if (!storage->buffer) return bytes.empty() ? ok_status() : broken("too small for upload", id);
  const Status status = device_->copy_in(storage->buffer.get(), offset, bytes);
  if (status.code() == Code::kOutOfRange) return broken("too small for upload", id);
  if (!status.ok()) {
    storage->poison = fail(status, sequence_, "");
  } else if (offset == 0 && bytes.size() >= storage->size_bytes) {
    storage->poison = nullptr;
  }
  return ok_status();
}

// ---- calls

void Stream::run_on(device::Device* device) {
  device_ = device;
  prepared_.clear();
  kept_.clear();
}

Stream::Prepared& Stream::prepare(SignatureId signature) {
  if (signature >= prepared_.size()) prepared_.resize(signatures_.size());
  if (!prepared_[signature]) {
    drop_idle();
    prepared_[signature] =
        std::make_unique<Prepared>(make_prepared(signatures_.at(signature).signature()));
    kept_.push_back(signature);
    ++made_;
  }
  Prepared& prepared = *prepared_[signature];
  prepared.used = made_;
  return prepared;
}

// A script whose shapes keep changing would otherwise keep a prepared call of each. Two are looked
// at for each that is made: dropping thousands at once would hold up a step.
void Stream::drop_idle() {
  for (int i = 0; i < 2 && !kept_.empty(); ++i) {
    const SignatureId signature = kept_.front();
    kept_.pop_front();
    if (made_ - prepared_[signature]->used > kPreparedKept) {
      prepared_[signature] = nullptr;
    } else {
      kept_.push_back(signature);
    }
  }
}

Stream::Prepared Stream::make_prepared(const ops::CallSignature& s) {
  Prepared prepared;
  if (s.op == "moai::skip_if") prepared.border = Border::kSkipIf;
  if (s.op == "moai::skip_end") prepared.border = Border::kSkipEnd;
  if (prepared.border == Border::kNone) {
    auto call = device_->prepare(s);
    prepared.refusal = call.status();
    if (call.ok()) prepared.call = std::move(*call);
  }
  prepared.overwritten = ops::overwritten_bytes(s);
  for (const ops::Result& result : s.results) collect(result, &prepared.fresh_bytes);
  return prepared;
}

bool Stream::overwrites(const Prepared& prepared, size_t operand) const {
  const uint64_t bytes = prepared.overwritten[operand];
  return bytes && bytes >= operands_[operand]->size_bytes;
}

// Finds the operands, and in `poison_` the cause why the call cannot run.
Status Stream::gather(const Prepared& prepared, std::span<const StorageId> ids) {
  operands_.resize(ids.size());
  buffers_.resize(ids.size());
  poison_ = nullptr;
  for (size_t i = 0; i < ids.size(); ++i) {
    Storage* storage = ids[i] ? storages_.find(ids[i]) : nullptr;
    if (!storage && ids[i]) return broken("used, but unknown", ids[i]);
    operands_[i] = storage;
    buffers_[i] = storage ? storage->buffer.get() : nullptr;
    if (storage && storage->poison && !poison_ && !overwrites(prepared, i)) {
      poison_ = storage->poison;
    }
  }
  return ok_status();
}

// Gives memory to operands that lack it since the call that makes them failed.
Status Stream::provide(const Prepared& prepared) {
  for (size_t i = 0; i < operands_.size(); ++i) {
    Storage* storage = operands_[i];
    if (!storage || !storage->poison || storage->buffer) continue;
    MOAI_ASSIGN_OR_RETURN(storage->buffer, device_->allocate(prepared.overwritten[i]));
    buffers_[i] = storage->buffer.get();
  }
  return ok_status();
}

Status Stream::call(SignatureId signature, std::span<const StorageId> places,
                    std::span<const uint64_t> words, uint64_t sequence, bool first_dies) {
  Prepared& prepared = prepare(signature);
  const size_t operand_count = prepared.overwritten.size();
  const auto fresh_ids = places.subspan(operand_count);
  MOAI_RETURN_IF_ERROR(gather(prepared, places.first(operand_count)));
  sequence_ = sequence;
  if (prepared.border != Border::kNone) return pass_border(prepared.border, signature, sequence);
  fresh_.resize(fresh_ids.size());
  CausePtr cause = skipped_ ? skipped_ : std::move(poison_);
  const bool ran = !cause;
  if (!cause) {
    Status status = prepared.call ? provide(prepared) : prepared.refusal;
    if (status.ok() && first_dies && can_reuse(signature, &prepared)) {
      status = run_in_place(prepared, words);
    } else if (status.ok()) {
      status = prepared.call->run(buffers_, words, fresh_);
    }
    if (!status.ok()) {
      cause = fail(status, sequence, name_of(signatures_.at(signature).signature()));
    } else {
      heal(prepared);
    }
  }
  if (cause && !ran && !skipped_ && prepared.call)
    prepared.call->skipped({cause->code, cause->text});
  if (cause && !skipped_) poison_written(signature, cause);
  return make_fresh(prepared, fresh_ids, cause);
}

// Whether the first operand of the call at hand can become its result. It is nobody else's then:
// no other operand lies in it.
bool Stream::can_reuse(SignatureId signature, Prepared* prepared) {
  if (operands_.empty() || (prepared->in_place_known && !prepared->in_place)) return false;
  const Storage* first = operands_[0];
  if (!first || !first->buffer || prepared->fresh_bytes.size() != 1 ||
      first->buffer->size_bytes() != prepared->fresh_bytes[0] ||
      std::find(operands_.begin() + 1, operands_.end(), first) != operands_.end()) {
    return false;
  }
  if (!std::exchange(prepared->in_place_known, true)) {
    if (const auto form = ops::in_place_form(signatures_.at(signature).signature())) {
      prepared->repeats_operand = form->repeats_operand;
      auto call = device_->prepare(form->signature);  // without one, the call runs as it stands
      if (call.ok()) prepared->in_place = std::move(*call);
    }
  }
  return prepared->in_place != nullptr;
}

Status Stream::run_in_place(const Prepared& prepared, std::span<const uint64_t> words) {
  if (prepared.repeats_operand) buffers_.push_back(buffers_[0]);
  MOAI_RETURN_IF_ERROR(prepared.in_place->run(buffers_, words, {}));
  fresh_[0] = std::move(operands_[0]->buffer);
  return ok_status();
}

Status Stream::leave_out(SignatureId signature, std::span<const StorageId> places,
                         uint64_t sequence) {
  const Prepared& prepared = prepare(signature);
  const auto fresh_ids = places.subspan(prepared.overwritten.size());
  sequence_ = sequence;
  fresh_.resize(fresh_ids.size());
  return make_fresh(prepared, fresh_ids, nullptr);
}

// The storages of fresh results, from fresh_ or holding nothing.
Status Stream::make_fresh(const Prepared& prepared, std::span<const StorageId> ids,
                          const CausePtr& cause) {
  for (size_t i = 0; i < ids.size(); ++i) {
    device::BufferPtr made = std::move(fresh_[i]);
    if (ids[i] == 0 && prepared.fresh_bytes[i] == 0) continue;
    Storage* storage = storages_.insert(ids[i], prepared.fresh_bytes[i]);
    if (!storage) return broken("made twice", ids[i]);
    if (cause && prepared.fresh_bytes[i]) {
      storage->poison = cause;
    } else {
      storage->buffer = std::move(made);
    }
  }
  return ok_status();
}

Status Stream::pass_border(Border border, SignatureId signature, uint64_t sequence) {
  skipped_ = nullptr;
  if (border == Border::kSkipEnd) return ok_status();
  const auto args = signatures_.at(signature).signature().args;
  if (args.size() != 1 || args[0].kind != ops::ArgKind::kTensor || !operands_[0] ||
      args[0].geometry.dtype != tensor::DType::kFloat32) {
    return invalid_argument("[worker.stream] moai::skip_if takes one f32 tensor");
  }
  if (operands_[0]->poison || !operands_[0]->buffer) return ok_status();  // so are its readers
  float found = 0;
  const auto offset = static_cast<uint64_t>(args[0].geometry.offset) * sizeof found;
  MOAI_RETURN_IF_ERROR(device_->copy_out(*operands_[0]->buffer, offset, sizeof found,
                                         reinterpret_cast<char*>(&found)));
  if (found == 0) return ok_status();
  skipped_ = std::make_shared<Cause>(Cause{sequence, Code::kInternal, "moai::skip_if",
                                           "[worker.stream] made by a step that was skipped"});
  return ok_status();
}

Result<Stream::Answer> Stream::ask(SignatureId signature, std::span<const StorageId> operands,
                                   std::span<const uint64_t> words, uint64_t sequence) {
  Prepared& prepared = prepare(signature);
  MOAI_RETURN_IF_ERROR(gather(prepared, operands));
  sequence_ = sequence;
  Answer answer;
  answer.failure = std::move(poison_);
  if (!answer.failure) {
    Status status = prepared.call ? provide(prepared) : prepared.refusal;
    if (status.ok()) {
      auto values = prepared.call->ask(buffers_, words);
      status = values.status();
      if (values.ok()) answer.values = std::move(*values);
    }
    grow_written(signature);
    if (status.ok()) {
      heal(prepared);
    } else {
      answer.failure = std::make_shared<Cause>(Cause{sequence, status.code(),
                                                     name_of(signatures_.at(signature).signature()),
                                                     status.message()});
    }
  }
  if (answer.failure) poison_written(signature, answer.failure);
  return answer;
}

void Stream::heal(const Prepared& prepared) {
  for (size_t i = 0; i < operands_.size(); ++i) {
    if (operands_[i] && operands_[i]->poison && overwrites(prepared, i)) {
      operands_[i]->poison = nullptr;
    }
  }
}

void Stream::poison_all(const Status& why) {
  const CausePtr cause = std::make_shared<Cause>(Cause{sequence_, why.code(), "", why.message()});
  storages_.each([&](Storage* s) {
    if (s->size_bytes != 0 && !s->poison) s->poison = cause;
  });
}

void Stream::poison_written(SignatureId signature, const CausePtr& cause) {
  const std::vector<bool>& written = signatures_.at(signature).written;
  for (size_t i = 0; i < operands_.size(); ++i) {
    if (operands_[i] && written[i]) operands_[i]->poison = cause;
  }
}

// An output may have grown during an ask.
void Stream::grow_written(SignatureId signature) {
  const std::vector<bool>& written = signatures_.at(signature).written;
  for (size_t i = 0; i < operands_.size(); ++i) {
    if (!operands_[i] || !written[i] || !operands_[i]->buffer) continue;
    operands_[i]->size_bytes =
        std::max(operands_[i]->size_bytes, operands_[i]->buffer->size_bytes());
  }
}

CausePtr Stream::fail(const Status& status, uint64_t sequence, const std::string& op) {
  auto cause = std::make_shared<Cause>(Cause{sequence, status.code(), op, status.message()});
  if (!fault_sent_) {
    fault_sent_ = true;
    replies_.send(dispatch::Fault{
        .sequence = sequence, .code = cause->code, .op = cause->op, .text = cause->text});
  }
  return cause;
}

}  // namespace moai::worker
