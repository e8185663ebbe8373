#include "moai/device/timing/call_timer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <map>

#include "moai/ops/call_tensors.h"

namespace moai::device {
namespace {

using tensor::DType;

constexpr size_t kTellEvery = 200;
constexpr int kUnmeasured = 2;  // first runs, which fill caches
constexpr std::chrono::milliseconds kLong{4};
constexpr int kColdRuns = 2;
constexpr size_t kCacheLine = 64;

using Clock = std::chrono::steady_clock;

// The bytes of one half; of what counts, points or is a flag, zeros.
std::string_view half(DType dtype) {
  using std::literals::string_view_literals::operator""sv;
  switch (dtype) {
    case DType::kFloat64:
    case DType::kComplex128:
      return "\0\0\0\0\0\0\xe0\x3f"sv;
    case DType::kFloat32:
    case DType::kComplex64:
      return "\0\0\0\x3f"sv;
    case DType::kFloat16:
    case DType::kComplex32:
      return "\0\x38"sv;
    case DType::kBFloat16:
      return "\0\x3f"sv;
    default:
      return "\0"sv;
  }
}

uint64_t bytes_of(const tensor::Geometry& g) {
  return static_cast<uint64_t>(std::max<int64_t>(tensor::storage_bytes(g), 0));
}

// Operands of all calls of a group: those of one size and type are the same, by place in the call.
class Operands {
 public:
  explicit Operands(Device* device) : device_(*device) {}

  Result<Buffer*> take(const tensor::Geometry& g, size_t place) {
    const uint64_t bytes = bytes_of(g);
    if (bytes == 0) return static_cast<Buffer*>(nullptr);
    BufferPtr& buffer = held_[{bytes, half(g.dtype), place}];
    if (!buffer) {
      MOAI_ASSIGN_OR_RETURN(buffer, device_.allocate(bytes));
      bytes_ += bytes;
      MOAI_RETURN_IF_ERROR(fill(buffer.get(), g.dtype));
    }
    return buffer.get();
  }
  Status fill(Buffer* buffer, DType dtype) {
    const std::string_view one = half(dtype);
    std::string& pattern = patterns_[one];
    while (pattern.size() < buffer->size_bytes()) {
      pattern += pattern.empty() ? one : std::string_view(pattern);
    }
    return device_.copy_in(buffer, 0, std::string_view(pattern).substr(0, buffer->size_bytes()));
  }
  uint64_t bytes() const { return bytes_; }
  void clear() {
    held_.clear();
    patterns_.clear();
    bytes_ = 0;
  }

 private:
  Device& device_;
  std::map<std::tuple<uint64_t, std::string_view, size_t>, BufferPtr> held_;
  std::map<std::string_view, std::string> patterns_;
  uint64_t bytes_ = 0;
};

struct Timed {
  std::unique_ptr<Call> call{};  // null: refused
  std::vector<const tensor::Geometry*> operands{};
  std::vector<bool> written{};
  size_t fresh = 0;
  double least = INFINITY, least_cold = INFINITY;  // of rounds
};

class Timer {
 public:
  Timer(Device* device, std::span<const CallToTime> calls, const CallTimerOptions& options)
      : device_(*device), calls_(calls), options_(options), operands_(device) {
    for (const CallToTime& c : calls) {
      Timed& t = timed_.emplace_back();
      auto call = device_.prepare(c.signature);
      if (!call.ok()) continue;
      t.call = std::move(*call);
      for (const ops::Arg* a : ops::tensor_operands(c.signature)) {
        t.operands.push_back(&a->geometry);
        t.written.push_back(a->written);
      }
      t.fresh = ops::arity(c.signature).fresh;
    }
  }

  std::vector<std::optional<CallSeconds>> run() {
    const size_t all = calls_.size() * static_cast<size_t>(options_.rounds);
    size_t done = 0;
    for (int round = 0; round < options_.rounds; ++round) {
      for (size_t i = 0; i < calls_.size(); ++i) {
        measure(i);
        if (options_.progress && ++done % kTellEvery == 0) options_.progress(done, all);
      }
    }
    if (options_.progress) options_.progress(all, all);
    std::vector<std::optional<CallSeconds>> found;
    for (const Timed& t : timed_) {
      found.emplace_back();
      if (!t.call || !std::isfinite(t.least)) continue;
      found.back() = {t.least, std::isfinite(t.least_cold) ? std::max(t.least, t.least_cold) : 0};
    }
    return found;
  }

 private:
  void measure(size_t i) {
    Timed& t = timed_[i];
    if (operands_.bytes() > options_.held_bytes_max) operands_.clear();
    const auto began = Clock::now();
    for (int run = -kUnmeasured; t.call && run < options_.runs; ++run) {
      // A long call has filled its caches while it ran.
      if (run < 0 && Clock::now() - began > kLong) run = 0;
      if (!once(&t, calls_[i].words, run >= 0).ok()) t.call.reset();
      if (run >= 0 && Clock::now() - began > options_.runs * kLong) break;
    }
    if (seconds_.empty()) return;
    const auto at = seconds_.begin() + static_cast<std::ptrdiff_t>(seconds_.size() / 4);
    std::nth_element(seconds_.begin(), at, seconds_.end());
    t.least = std::min(t.least, *at);
    seconds_.clear();
    for (int run = 0; run < kColdRuns && options_.cold_bytes && t.call; ++run) {
      if (!once(&t, calls_[i].words, true, true).ok()) t.call.reset();
    }
    for (const double cold : seconds_) t.least_cold = std::min(t.least_cold, cold);
    seconds_.clear();
  }

  // Leaves the processor's caches to other memory.
  void sweep() {
    swept_.resize(options_.cold_bytes);
    for (size_t at = 0; at < swept_.size(); at += kCacheLine) ++swept_[at];
  }

  Status once(Timed* t, std::span<const uint64_t> words, bool counts, bool cold = false) {
    buffers_.clear();
    for (size_t i = 0; i < t->operands.size(); ++i) {
      MOAI_ASSIGN_OR_RETURN(Buffer * buffer, operands_.take(*t->operands[i], i));
      if (buffer && t->written[i]) {
        MOAI_RETURN_IF_ERROR(operands_.fill(buffer, t->operands[i]->dtype));
      }
      buffers_.push_back(buffer);
    }
    std::vector<BufferPtr> fresh(t->fresh);
    if (cold) sweep();
    const auto began = std::chrono::steady_clock::now();
    MOAI_RETURN_IF_ERROR(t->call->run(buffers_, words, fresh));
    MOAI_RETURN_IF_ERROR(device_.synchronize());
    for (BufferPtr& made : fresh) made.reset();
    const auto passed = std::chrono::steady_clock::now() - began;
    if (counts) seconds_.push_back(std::chrono::duration<double>(passed).count());
    return ok_status();
  }

  Device& device_;
  const std::span<const CallToTime> calls_;
  const CallTimerOptions& options_;
  Operands operands_;
  std::vector<Timed> timed_;
  std::vector<Buffer*> buffers_;
  std::vector<double> seconds_;  // of a round's call
  std::vector<unsigned char> swept_;
};

}  // namespace

std::vector<std::optional<CallSeconds>> time_calls(Device* device,
                                                   std::span<const CallToTime> calls,
                                                   const CallTimerOptions& options) {
  return Timer(device, calls, options).run();
}

}  // namespace moai::device
