#include "moai/device/timing/call_timer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <map>
#include <random>

#include "moai/base/median.h"
#include "moai/ops/call_tensors.h"

namespace moai::device {
namespace {

using tensor::DType;

constexpr size_t kTellEvery = 200;
constexpr int kUnmeasured = 2;  // first runs, which fill caches
constexpr int kColdRuns = 2;
constexpr int kFarRounds = 2;
constexpr size_t kFarCalls = 6;                       // of an operator and element type
constexpr uint64_t kFarBytesMin = uint64_t{1} << 20;  // below it is the call that takes the time
constexpr uint64_t kTogetherBytesMin = uint64_t{64} << 10;
constexpr size_t kCacheLine = 64;

using Clock = std::chrono::steady_clock;

// The bytes of one half, and which bits of them any number below one may have; of what counts,
// points or is a flag, zeros.
struct Number {
  std::string_view half, free{};
};
Number number_of(DType dtype) {
  using std::literals::string_view_literals::operator""sv;
  switch (dtype) {
    case DType::kFloat64:
    case DType::kComplex128:
      return {"\0\0\0\0\0\0\xe0\x3f"sv, "\xff\xff\xff\xff\xff\xff\x0f\0"sv};
    case DType::kFloat32:
    case DType::kComplex64:
      return {"\0\0\0\x3f"sv, "\xff\xff\x7f\0"sv};
    case DType::kFloat16:
    case DType::kComplex32:
      return {"\0\x38"sv, "\xff\x03"sv};
    case DType::kBFloat16:
      return {"\0\x3f"sv, "\x7f\0"sv};
    default:
      return {"\0"sv};
  }
}

// Numbers between a half and one, none like the next, and so many that no processor foresees how
// comparing them ends because it saw them before.
std::string numbers(const Number& n) {
  constexpr size_t kDistinct = 1 << 22;
  std::minstd_rand random(1);
  std::string out;
  for (size_t i = 0; i < kDistinct && !n.free.empty(); ++i) {
    for (size_t at = 0; at < n.half.size(); ++at) {
      out += static_cast<char>(n.half[at] | (static_cast<char>(random() >> 8) & n.free[at]));
    }
  }
  return out.empty() ? std::string(n.half) : out;
}

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
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
    BufferPtr& buffer = held_[{bytes, number_of(g.dtype).half, place}];
    if (!buffer) {
      MOAI_ASSIGN_OR_RETURN(buffer, device_.allocate(bytes));
      bytes_ += bytes;
      MOAI_RETURN_IF_ERROR(fill(buffer.get(), g.dtype));
    }
    return buffer.get();
  }
  // With `others`, other numbers than before.
  Status fill(Buffer* buffer, DType dtype, bool others = false) {
    const Number n = number_of(dtype);
    std::string& pattern = patterns_[n.half];
    if (pattern.empty()) pattern = numbers(n);
    const uint64_t bytes = buffer->size_bytes();
    const size_t left = pattern.size() - std::min<size_t>(pattern.size(), bytes);
    const size_t at = others ? random_() % (left / n.half.size() + 1) * n.half.size() : 0;
    uint64_t filled = std::min<uint64_t>(pattern.size() - at, bytes);
    MOAI_RETURN_IF_ERROR(device_.copy_in(buffer, 0, std::string_view(pattern).substr(at, filled)));
    for (; filled < bytes; filled += std::min(filled, bytes - filled)) {
      if (!double_on_device(buffer, filled).ok()) break;
    }
    if (filled >= bytes) return ok_status();
    while (pattern.size() < bytes) pattern += std::string(pattern);
    return device_.copy_in(buffer, 0, std::string_view(pattern).substr(0, bytes));
  }
  // Copies what is filled to behind it, on the device: much of it would take long to get there.
  Status double_on_device(Buffer* buffer, uint64_t filled) {
    const auto count = static_cast<int64_t>(std::min(filled, buffer->size_bytes() - filled));
    ops::Arg from{.kind = ops::ArgKind::kTensor,
                  .geometry = {.dtype = DType::kUInt8, .sizes = {count}, .strides = {1}}};
    ops::Arg to = from;
    to.written = true;
    to.geometry.offset = static_cast<int64_t>(filled);
    MOAI_ASSIGN_OR_RETURN(
        const auto call,
        device_.prepare({.op = "aten::copy_",
                         .args = {to, from, {.kind = ops::ArgKind::kBool, .ints = {0}}},
                         .results = {{}}}));
    Buffer* operands[] = {buffer, buffer};
    return call->run(operands, {}, {});
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
  std::minstd_rand random_{2};
};

struct Timed {
  std::unique_ptr<Call> call{};  // null: refused
  std::vector<const tensor::Geometry*> operands{};
  std::vector<bool> written{};
  size_t fresh = 0;
  uint64_t bytes = 0;                         // of operands
  bool goes_far = false;                      // timed far, too
  bool compares = false;                      // it gives places of elements
  std::vector<double> warm{}, cold{}, far{};  // of each round the middle one
};

// Takes what is there from `seconds`.
std::optional<double> middle(std::vector<double>* seconds) {
  if (seconds->empty()) return std::nullopt;
  const double found = lower_median(*seconds);
  seconds->clear();
  return found;
}

// Of each operator and element type some calls over much data, from small to large.
void choose_far(std::span<const CallToTime> calls, std::vector<Timed>* timed) {
  std::map<std::tuple<std::string, std::string, DType>, std::vector<Timed*>> groups;
  for (size_t i = 0; i < calls.size(); ++i) {
    Timed& t = (*timed)[i];
    if (!t.call || t.bytes < kFarBytesMin) continue;
    const ops::CallSignature& s = calls[i].signature;
    groups[{s.op, s.overload, t.operands[0]->dtype}].push_back(&t);
  }
  for (auto& [key, group] : groups) {
    std::ranges::stable_sort(group, {}, &Timed::bytes);
    const size_t count = std::min(kFarCalls, group.size());
    for (size_t i = 0; i < count; ++i) group[group.size() * (i + 1) / count - 1]->goes_far = true;
  }
}

class Timer {
 public:
  Timer(Device* device, std::span<const CallToTime> calls, const CallTimerOptions& options)
      : device_(*device), calls_(calls), options_(options), operands_(device) {
    for (const CallToTime& c : calls) {
      Timed& t = timed_.emplace_back();
      auto call = device_.prepare(c.signature);
      if (!call.ok()) {
        if (options_.failed) options_.failed(timed_.size() - 1, call.status(), false);
        continue;
      }
      t.call = std::move(*call);
      for (const ops::Arg* a : ops::tensor_operands(c.signature)) {
        t.operands.push_back(&a->geometry);
        t.written.push_back(a->written);
        t.bytes += bytes_of(a->geometry);
      }
      t.fresh = ops::arity(c.signature).fresh;
      for (const ops::Result* r : ops::fresh_results(c.signature)) {
        t.compares |= r->geometry.dtype == DType::kInt64;
      }
    }
    if (options.far_bytes) choose_far(calls, &timed_);
  }

  std::vector<std::optional<CallSeconds>> run() {
    const size_t all = calls_.size() * static_cast<size_t>(options_.rounds);
    size_t done = 0;
    for (int round = 0; round < options_.rounds; ++round) {
      for (size_t i = 0; i < calls_.size() && !lost_; ++i) {
        measure(i, round);
        if (options_.progress && ++done % kTellEvery == 0) options_.progress(done, all);
      }
    }
    if (options_.progress) options_.progress(all, all);
    std::vector<std::optional<CallSeconds>> found;
    for (Timed& t : timed_) {
      found.emplace_back();
      const auto warm = middle(&t.warm), cold = middle(&t.cold), far = middle(&t.far);
      if (!t.call || !warm) continue;
      CallSeconds& s = found.back().emplace(CallSeconds{.warm = *warm});
      if (cold) s.cold = std::max(*warm, *cold);
      if (far) s.far = std::max({*warm, s.cold, *far});
    }
    return found;
  }

 private:
  void measure(size_t i, int round) {
    Timed& t = timed_[i];
    if (operands_.bytes() > options_.held_bytes_max) operands_.clear();
    if (t.call) check(i, meet(t));
    double spent = 0;
    for (int run = -kUnmeasured; t.call && run < options_.runs; ++run) {
      // A long call has filled its caches while it ran.
      if (run < 0 && spent > options_.long_s) run = 0;
      refills_ = run < 0 || options_.calls_in_a_row == 1;
      check(i, once(&t, calls_[i].words, run >= 0));
      spent += last_;
      if (run >= 0 && spent > options_.runs * options_.long_s) break;
    }
    if (seconds_.empty()) return;
    keep(&t.warm);
    for (int run = 0; run < kColdRuns && options_.cold_bytes && t.call; ++run) {
      check(i, once(&t, calls_[i].words, true, options_.cold_bytes));
    }
    keep(&t.cold);
    if (t.goes_far && t.call && round < kFarRounds) {
      check(i, once(&t, calls_[i].words, true, options_.far_bytes));
    }
    keep(&t.far);
  }
  // Of those that were timed since.
  void keep(std::vector<double>* rounds) {
    if (const auto s = middle(&seconds_)) rounds->push_back(*s);
  }

  void check(size_t i, const Status& status) {
    if (status.ok()) return;
    timed_[i].call.reset();
    lost_ = !device_.synchronize().ok();
    if (options_.failed) options_.failed(i, status, lost_);
  }

  // Others begin to time the call, too.
  Status meet(const Timed& t) const {
    const bool meets = options_.together && t.bytes >= kTogetherBytesMin;
    return meets ? options_.together() : ok_status();
  }

  // Leaves caches to other memory.
  void sweep(uint64_t bytes) {
    swept_.resize(std::max(options_.cold_bytes, options_.far_bytes));
    for (size_t at = 0; at < bytes; at += kCacheLine) ++swept_[at];
  }

  Status once(Timed* t, std::span<const uint64_t> words, bool counts, uint64_t swept_bytes = 0) {
    buffers_.clear();
    for (size_t i = 0; i < t->operands.size(); ++i) {
      MOAI_ASSIGN_OR_RETURN(Buffer * buffer, operands_.take(*t->operands[i], i));
      if (buffer && ((t->written[i] && refills_) || t->compares)) {
        MOAI_RETURN_IF_ERROR(operands_.fill(buffer, t->operands[i]->dtype, t->compares));
      }
      buffers_.push_back(buffer);
    }
    if (options_.calls_in_a_row > 1) MOAI_RETURN_IF_ERROR(device_.synchronize());
    std::vector<BufferPtr> fresh(t->fresh);
    if (swept_bytes) sweep(swept_bytes);
    if (swept_bytes && swept_bytes == options_.far_bytes) MOAI_RETURN_IF_ERROR(meet(*t));
    const double cpu_began = options_.on_this_thread ? thread_seconds() : 0;
    const auto began = Clock::now();
    for (int i = 0; i < options_.calls_in_a_row; ++i) {
      for (BufferPtr& made : fresh) made.reset();
      MOAI_RETURN_IF_ERROR(t->call->run(buffers_, words, fresh));
    }
    MOAI_RETURN_IF_ERROR(device_.synchronize());
    for (BufferPtr& made : fresh) made.reset();
    double passed = std::chrono::duration<double>(Clock::now() - began).count();
    if (options_.on_this_thread) passed = std::min(passed, thread_seconds() - cpu_began);
    last_ = passed;
    if (counts) seconds_.push_back(passed / options_.calls_in_a_row);
    return ok_status();
  }

  Device& device_;
  const std::span<const CallToTime> calls_;
  const CallTimerOptions& options_;
  Operands operands_;
  std::vector<Timed> timed_;
  std::vector<Buffer*> buffers_;
  std::vector<double> seconds_;  // of a round's call
  double last_ = 0;              // of what ran last
  bool lost_ = false;
  bool refills_ = true;  // whether what a call writes is written anew before it
  std::vector<unsigned char> swept_;
};

}  // namespace

std::vector<std::optional<CallSeconds>> time_calls(Device* device,
                                                   std::span<const CallToTime> calls,
                                                   const CallTimerOptions& options) {
  return Timer(device, calls, options).run();
}

}  // namespace moai::device
