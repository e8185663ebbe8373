#include "moai/device/fake/timed_device.h"

#include <algorithm>

#include "moai/ops/call_tensors.h"

namespace moai::device {
namespace {

struct State {
  double now_s = 0;
  uint64_t live = 0, peak = 0;
};

class Sized final : public Buffer {
 public:
  Sized(State* state, uint64_t size) : state_(*state) { grow(size); }
  ~Sized() override { state_.live -= size_; }

  uint64_t size_bytes() const override { return size_; }
  void grow(uint64_t size) {
    state_.live += size - size_;
    state_.peak = std::max(state_.peak, state_.live);
    size_ = size;
  }

 private:
  State& state_;
  uint64_t size_ = 0;
};

uint64_t bytes_of(const tensor::Geometry& g) {
  return static_cast<uint64_t>(std::max<int64_t>(tensor::storage_bytes(g), 0));
}

class TimedCall final : public Call {
 public:
  TimedCall(const ops::CallSignature& s, double seconds, State* state)
      : seconds_(seconds), state_(*state) {
    for (const ops::Arg* a : ops::tensor_operands(s)) operands_.push_back(bytes_of(a->geometry));
    for (const ops::Result* r : ops::fresh_results(s)) fresh_.push_back(bytes_of(r->geometry));
  }

  Status run(std::span<Buffer* const> operands, std::span<const uint64_t>,
             std::span<BufferPtr> fresh) override {
    for (size_t i = 0; i < operands_.size(); ++i) {
      const uint64_t has = operands[i] ? operands[i]->size_bytes() : 0;
      if (has < operands_[i]) {
        return invalid_argument("[device.fake] operand " + std::to_string(i) + " needs " +
                                std::to_string(operands_[i]) + " bytes and its storage has " +
                                std::to_string(has));
      }
    }
    for (size_t i = 0; i < fresh_.size(); ++i) {
      if (fresh_[i] != 0) fresh[i] = std::make_unique<Sized>(&state_, fresh_[i]);
    }
    state_.now_s += seconds_;
    return ok_status();
  }
  Result<std::vector<DynamicValue>> ask(std::span<Buffer* const>,
                                        std::span<const uint64_t>) override {
    return unimplemented("[device.fake] there are no values to ask for");
  }

 private:
  const double seconds_;
  State& state_;
  std::vector<uint64_t> operands_, fresh_;
};

class Implementation final : public TimedDevice {
 public:
  explicit Implementation(const TimeTable* table) : table_(*table) {}

  std::string_view kind() const override { return "timed"; }
  std::string library_version() const override { return "none"; }
  Result<BufferPtr> allocate(uint64_t size_bytes) override {
    return BufferPtr(std::make_unique<Sized>(&state_, size_bytes));
  }
  Status resize(Buffer* buffer, uint64_t size_bytes) override {
    if (size_bytes > buffer->size_bytes()) static_cast<Sized*>(buffer)->grow(size_bytes);
    return ok_status();
  }
  Result<std::unique_ptr<Call>> prepare(const ops::CallSignature& signature) override {
    MOAI_ASSIGN_OR_RETURN(const double seconds, table_.seconds(signature));
    return std::unique_ptr<Call>(std::make_unique<TimedCall>(signature, seconds, &state_));
  }
  Status copy_in(Buffer*, uint64_t, std::string_view) override { return no_bytes(); }
  Status copy_out(const Buffer&, uint64_t, uint64_t, char*) override { return no_bytes(); }
  Status synchronize() override { return ok_status(); }
  uint64_t allocated_bytes() const override { return state_.live; }
  uint64_t peak_bytes() const override { return state_.peak; }
  uint64_t reserved_bytes() const override { return state_.live; }
  void reset_peak() override { state_.peak = state_.live; }
  void trim() override {}
  double now_s() const override { return state_.now_s; }

 private:
  static Status no_bytes() { return unimplemented("[device.fake] storages here have no bytes"); }

  const TimeTable& table_;
  State state_;
};

}  // namespace

std::unique_ptr<TimedDevice> make_timed_device(const TimeTable* table) {
  return std::make_unique<Implementation>(table);
}

}  // namespace moai::device
