#include "moai/device/fake/fake_call.h"

#include <bit>
#include <numeric>

namespace moai::device {
namespace {

// One running call: its operands as doubles, in order.
struct Frame {
  struct Operand {
    double* at = nullptr;
    size_t count = 0;
  };
  FakeState* state;
  std::vector<Operand> operands;
  std::span<const uint64_t> words;
  std::vector<FakeBuffer*> fresh;

  double word(size_t i) const { return i < words.size() ? std::bit_cast<double>(words[i]) : 1; }
};

using Function = Status (*)(Frame&);
using Question = Result<std::vector<DynamicValue>> (*)(Frame&);

Status add(Frame& f) {
  for (size_t i = 0; i < f.operands[0].count; ++i) {
    f.fresh[0]->doubles()[i] = f.operands[0].at[i] + f.word(0) * f.operands[1].at[i];
  }
  return ok_status();
}

Status mul(Frame& f) {
  for (size_t i = 0; i < f.operands[0].count; ++i) {
    f.fresh[0]->doubles()[i] = f.operands[0].at[i] * f.operands[1].at[i];
  }
  return ok_status();
}

Status add_in_place(Frame& f) {
  for (size_t i = 0; i < f.operands[0].count; ++i) {
    f.operands[0].at[i] += f.word(0) * f.operands[1].at[i];
  }
  return ok_status();
}

Status fill(Frame& f) {
  std::fill_n(f.operands[0].at, f.operands[0].count, f.word(0));
  return ok_status();
}

Status copy(Frame& f) {
  std::copy_n(f.operands[1].at, f.operands[0].count, f.operands[0].at);
  return ok_status();
}

Status sum(Frame& f) {
  const Frame::Operand& from = f.operands[0];
  *f.fresh[0]->doubles() = std::accumulate(from.at, from.at + from.count, 0.0);
  return ok_status();
}

Status fail(Frame& f) {
  if (!f.operands.empty()) std::fill_n(f.operands[0].at, f.operands[0].count / 2, -1.0);
  return {static_cast<Code>(f.words.empty() ? 2 : f.words[0]), "failed on demand"};
}

Status sleep(Frame& f) {
  f.state->now_ns += f.words.empty() ? 0 : f.words[0];
  return ok_status();
}

Result<std::vector<DynamicValue>> nonzero(Frame& f) {
  std::vector<int64_t> found;
  for (size_t i = 0; i < f.operands[0].count; ++i) {
    if (f.operands[0].at[i] != 0) found.push_back(static_cast<int64_t>(i));
  }
  std::vector<DynamicValue> values(1);
  values[0].kind = DynamicValue::Kind::kTensor;
  values[0].geometry = {.dtype = tensor::DType::kInt64,
                        .sizes = {static_cast<int64_t>(found.size()), 1},
                        .strides = {1, 1}};
  if (found.empty()) return values;
  MOAI_ASSIGN_OR_RETURN(auto buffer, FakeBuffer::make(&f.state->memory, found.size() * 8));
  std::memcpy(buffer->data(), found.data(), found.size() * 8);
  values[0].buffer = std::move(buffer);
  return values;
}

Result<std::vector<DynamicValue>> local_scalar(Frame& f) {
  std::vector<DynamicValue> values(1);
  values[0].kind = DynamicValue::Kind::kDouble;
  values[0].real = *f.operands[0].at;
  return values;
}

Result<std::vector<DynamicValue>> fail_asked(Frame& f) { return fail(f); }

struct Row {
  const char* op;
  const char* overload;
  Function function;
  Question question;
  size_t operands;
};
constexpr Row kRows[] = {
    {"aten::add", "Tensor", add, nullptr, 2},
    {"aten::mul", "Tensor", mul, nullptr, 2},
    {"aten::add_", "Tensor", add_in_place, nullptr, 2},
    {"aten::fill_", "Scalar", fill, nullptr, 1},
    {"aten::copy_", "", copy, nullptr, 2},
    {"aten::sum", "", sum, nullptr, 1},
    {"aten::nonzero", "", nullptr, nonzero, 1},
    {"aten::_local_scalar_dense", "", nullptr, local_scalar, 1},
    {"fake::fail", "", fail, fail_asked, 0},
    {"fake::sleep", "", sleep, nullptr, 0},
};

void collect(const ops::Arg& arg, std::vector<tensor::Geometry>* out) {
  if (arg.kind == ops::ArgKind::kTensor) out->push_back(arg.geometry);
  for (const ops::Arg& item : arg.items) collect(item, out);
}

class FakeCall final : public Call {
 public:
  FakeCall(const ops::CallSignature& signature, const Row& row, FakeState* state)
      : row_(row), state_(state) {
    for (const ops::Arg& arg : signature.args) collect(arg, &operands_);
    for (const ops::Result& result : signature.results) {
      if (result.kind == ops::ResultKind::kFresh) fresh_.push_back(result.geometry);
    }
  }

  Status run(std::span<Buffer* const> operands, std::span<const uint64_t> words,
             std::span<BufferPtr> fresh) override {
    MOAI_ASSIGN_OR_RETURN(Frame frame, begin(operands, words));
    if (!row_.function) return unimplemented(std::string(row_.op) + " must be asked");
    for (size_t i = 0; i < fresh_.size(); ++i) {
      const auto bytes = static_cast<uint64_t>(tensor::storage_bytes(fresh_[i]));
      if (!bytes) continue;
      MOAI_ASSIGN_OR_RETURN(auto buffer, FakeBuffer::make(&state_->memory, bytes));
      frame.fresh.push_back(buffer.get());
      fresh[i] = std::move(buffer);
    }
    if (!fresh_.empty() && frame.fresh.empty()) return ok_status();
    return row_.function(frame);
  }

  Result<std::vector<DynamicValue>> ask(std::span<Buffer* const> operands,
                                        std::span<const uint64_t> words) override {
    MOAI_ASSIGN_OR_RETURN(Frame frame, begin(operands, words));
    if (row_.question) return row_.question(frame);
    return unimplemented(std::string(row_.op) + " cannot be asked");
  }

 private:
  Result<Frame> begin(std::span<Buffer* const> operands, std::span<const uint64_t> words) {
    if (state_->options.on_call) state_->options.on_call(row_.op);
    state_->now_ns += state_->options.call_ns;
    ++state_->calls;
    Frame frame{state_, {}, words, {}};
    for (size_t i = 0; i < operands.size(); ++i) {
      const uint64_t has = operands[i] ? operands[i]->size_bytes() : 0;
      if (has < static_cast<uint64_t>(tensor::storage_bytes(operands_[i]))) {
        return invalid_argument("[device.fake] operand does not lie in its storage");
      }
      const auto count = static_cast<size_t>(tensor::element_count(operands_[i]));
      double* at = operands[i] ? static_cast<FakeBuffer*>(operands[i])->doubles() : nullptr;
      frame.operands.push_back({at ? at + operands_[i].offset : at, count});
    }
    return frame;
  }

  const Row& row_;
  FakeState* state_;
  std::vector<tensor::Geometry> operands_, fresh_;
};

bool is_doubles(const tensor::Geometry& g) {
  tensor::Geometry at_start = g;
  at_start.offset = 0;
  return g.dtype == tensor::DType::kFloat64 && tensor::is_contiguous(at_start);
}

}  // namespace

Result<std::unique_ptr<Call>> make_fake_call(const ops::CallSignature& signature,
                                             FakeState* state) {
  for (const Row& row : kRows) {
    if (signature.op != row.op || signature.overload != row.overload) continue;
    std::vector<tensor::Geometry> operands;
    for (const ops::Arg& arg : signature.args) collect(arg, &operands);
    bool good = operands.size() >= row.operands;
    for (const tensor::Geometry& g : operands) {
      good = good && is_doubles(g) &&
             (row.operands < 2 || tensor::element_count(g) == tensor::element_count(operands[0]));
    }
    if (good) return std::unique_ptr<Call>(std::make_unique<FakeCall>(signature, row, state));
    return unimplemented(signature.op + ": only contiguous doubles here");
  }
  return unimplemented(signature.op + ": the fake device has no such operator");
}

}  // namespace moai::device
