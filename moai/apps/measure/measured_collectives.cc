#include "moai/apps/measure/measured_collectives.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include "moai/apps/measure/forked_ranks.h"
#include "moai/base/median.h"
#include "moai/comm/collective/shared_memory.h"
#include "moai/device/aten/aten_device.h"
#include "moai/ops/call_tensors.h"
#include "moai/worker/collective/collective_device.h"

namespace moai::apps {
namespace {

constexpr const char* kKinds[] = {"all_reduce", "all_gather", "reduce_scatter", "all_to_all"};
constexpr size_t kBytes[] = {256,       2 << 10, 16 << 10, 48 << 10, 96 << 10,
                             256 << 10, 1 << 20, 4 << 20,  16 << 20};
constexpr int kTimesMax = 40, kTimesMin = 4, kBatches = 4;
constexpr size_t kBytesOfTimes = 8 << 20;  // larger ones are run fewer times
constexpr size_t kFarBytesMin = 1 << 20, kCacheLine = 64;

// The call of a rank, over `count` numbers in all.
std::string call_text(const std::string& kind, int64_t count, int ranks) {
  const auto n = static_cast<int64_t>(ranks);
  const int64_t share = count / n;
  const std::string whole = "f32[" + std::to_string(n * share) + "]";
  const std::string part = "f32[" + std::to_string(share) + "]";
  std::string shares, ones;
  for (int64_t r = 0; r < n; ++r) {
    shares += (r ? "," : "") + std::to_string(share);
    ones += r ? ",1" : "1";
  }
  if (kind == "all_reduce") return "moai::all_reduce((" + whole + "!), \"sum\", 0)";
  if (kind == "all_gather") {
    return "moai::all_gather(" + part + ", 0, [" + shares + "], 0) -> " + whole;
  }
  if (kind == "reduce_scatter") {
    return "moai::reduce_scatter(" + whole + ", 0, [" + shares + "], \"sum\", 0) -> " + part;
  }
  const std::string row = std::to_string(share) + "]";
  return "moai::all_to_all(f32[1," + std::to_string(n) + "," + row + ", 0, [" + ones + "], 1, [" +
         ones + "], 0) -> f32[" + std::to_string(n) + ",1," + row;
}

class Rank {
 public:
  Rank(std::string name, int rank, int ranks, size_t far_bytes)
      : name_(std::move(name)), rank_(rank), ranks_(ranks), swept_(far_bytes) {}

  Status run(int rounds, const std::function<void(double)>& progress) {
    MOAI_ASSIGN_OR_RETURN(device_, device::make_aten_device({}));
    MOAI_ASSIGN_OR_RETURN(auto joined,
                          comm::join_shared_memory({.name = name_, .rank = rank_, .size = ranks_}));
    comm::Group& world = groups_.open(std::move(joined));
    std::vector<int> all;
    for (int r = 0; r < ranks_; ++r) all.push_back(r);
    std::vector<std::unique_ptr<comm::Group>> axes(1);
    MOAI_ASSIGN_OR_RETURN(axes[0], world.make_subgroup(all));
    comm::Group& axis = *axes[0];
    groups_.set(std::move(axes));
    for (int round = 0; round < rounds; ++round) {
      for (const char* kind : kKinds) {
        for (const size_t bytes : kBytes) MOAI_RETURN_IF_ERROR(measure(kind, bytes, &axis));
      }
      progress(static_cast<double>(round + 1) / rounds);
    }
    return axis.barrier();
  }

  // The middle time of each.
  std::string lines() {
    std::string out;
    for (auto& [key, us] : us_) {
      char text[64];
      std::snprintf(text, sizeof text, "%zu %.3f %.3f\n", key.second, lower_median(us.near),
                    lower_median(us.far));
      out += key.first + " " + text;
    }
    return out;
  }

 private:
  struct Microseconds {
    std::vector<double> near{}, far{};
  };
  // Leaves the caches to other memory.
  void sweep() {
    for (size_t at = 0; at < swept_.size(); at += kCacheLine) ++swept_[at];
  }

  Status measure(const std::string& kind, size_t bytes, comm::Group* axis) {
    const auto s = ops::call_signature_from_string(
        call_text(kind, static_cast<int64_t>(bytes / sizeof(float)), ranks_));
    if (!s) return internal_error("[apps.measure] no call of " + kind);
    worker::CollectiveDevice device(device_.get(), &groups_);
    MOAI_ASSIGN_OR_RETURN(const auto call, device.prepare(*s));
    const ops::Arg& operand = *ops::tensor_operands(*s)[0];
    const auto operand_bytes = static_cast<uint64_t>(tensor::storage_bytes(operand.geometry));
    MOAI_ASSIGN_OR_RETURN(const auto buffer, device_->allocate(operand_bytes));
    MOAI_RETURN_IF_ERROR(device_->copy_in(buffer.get(), 0, std::string(operand_bytes, '\0')));
    device::Buffer* operands[] = {buffer.get()};
    std::vector<device::BufferPtr> fresh(ops::arity(*s).fresh);
    // Many in a row, for ranks leave a barrier one after the other; each call waits for all.
    const int times = std::clamp(static_cast<int>(kBytesOfTimes / bytes), kTimesMin, kTimesMax);
    for (int batch = -1; batch < kBatches; ++batch) {
      MOAI_RETURN_IF_ERROR(axis->barrier());
      const auto began = std::chrono::steady_clock::now();
      for (int i = 0; i < times; ++i) {
        MOAI_RETURN_IF_ERROR(call->run(operands, {}, fresh));
        for (device::BufferPtr& made : fresh) made.reset();
      }
      const std::chrono::duration<double, std::micro> us = std::chrono::steady_clock::now() - began;
      if (batch >= 0) us_[{kind, bytes}].near.push_back(us.count() / times);
    }
    if (swept_.empty() || bytes < kFarBytesMin) return ok_status();
    sweep();
    // Ranks leave a barrier one after the other; what these calls take is long beside that.
    MOAI_RETURN_IF_ERROR(axis->barrier());
    const auto began = std::chrono::steady_clock::now();
    MOAI_RETURN_IF_ERROR(call->run(operands, {}, fresh));
    const std::chrono::duration<double, std::micro> us = std::chrono::steady_clock::now() - began;
    us_[{kind, bytes}].far.push_back(us.count());
    return ok_status();
  }

  const std::string name_;
  const int rank_, ranks_;
  std::unique_ptr<device::Device> device_;
  worker::Groups groups_;
  std::vector<unsigned char> swept_;
  std::map<std::pair<std::string, size_t>, Microseconds> us_;
};

}  // namespace

Result<std::string> measured_collectives(int ranks, int rounds, size_t far_bytes,
                                         const std::function<void(double)>& progress) {
  const std::string name = "measure-" + std::to_string(::getpid());
  std::string lines;
  MOAI_RETURN_IF_ERROR(run_forked_ranks(ranks, [&](int rank) {
    Rank measuring(name, rank, ranks, far_bytes);
    MOAI_RETURN_IF_ERROR(measuring.run(rounds, rank == 0 ? progress : [](double) {}));
    lines = measuring.lines();
    return ok_status();
  }));
  return lines;
}

}  // namespace moai::apps
