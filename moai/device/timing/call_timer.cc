#include "moai/device/timing/call_timer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <map>
#include <numeric>
#include <random>

#include "moai/base/median.h"
#include "moai/device/timing/call_operands.h"
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

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

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
std::optional<double> middle(std::vector<double>* seconds, bool least = false) {
  if (seconds->empty()) return std::nullopt;
  const double found = least ? *std::ranges::min_element(*seconds) : lower_median(*seconds);
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
        t.bytes += CallOperands::bytes_of(a->geometry);
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
    std::vector<size_t> order(calls_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::minstd_rand random(1);  // as in other processes, which the calls meet
    for (int round = 0; round < options_.rounds; ++round) {
      if (options_.any_order) {
        operands_.clear();
        std::ranges::shuffle(order, random);
      }
      for (const size_t i : order) {
        if (lost_) break;
        measure(i, round);
        if (options_.progress && ++done % kTellEvery == 0) options_.progress(done, all);
      }
    }
    if (options_.progress) options_.progress(all, all);
    std::vector<std::optional<CallSeconds>> found;
    for (Timed& t : timed_) {
      found.emplace_back();
      const bool least = options_.least;
      const auto warm = middle(&t.warm, least), cold = middle(&t.cold, least),
                 far = middle(&t.far, least);
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
      const CallOperands::Use use{
          .written = t->written[i], .kept = t->written[i] && !refills_, .others = t->compares};
      MOAI_ASSIGN_OR_RETURN(Buffer * buffer, operands_.take(*t->operands[i], i, use));
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
  CallOperands operands_;
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
