// Windows through the compiler's door for several devices, run on virtual ranks.
#include "moai/compiler/distribute.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "moai/compiler/conformance/run_plan.h"
#include "moai/compiler/conformance/virtual_ranks.h"
#include "moai/device/aten/aten_device.h"

namespace moai::compiler {
namespace {

using graph::StorageId;
constexpr auto kInterleaved = PipelineSchedule::Kind::kInterleaved;
constexpr auto kZeroBubble = PipelineSchedule::Kind::kZeroBubble;

std::string part_of(const std::string& whole, const StorageLayout& layout, const Mesh& mesh,
                    int rank) {
  return part_of(whole, layout.part(mesh, rank), tensor::dtype_size(layout.dtype));
}

// Relative to the largest number (of what is nothing but rounding, to more), of doubles; else
double difference(const std::string& a, const std::string& b, tensor::DType dtype) {
  if (dtype != tensor::DType::kFloat64) return a == b ? 0 : 1;
  double largest = 1e-6, error = 0;
  for (size_t at = 0; at + 8 <= a.size(); at += 8) {
    double x = 0, y = 0;
    std::memcpy(&x, a.data() + at, 8);
    std::memcpy(&y, b.data() + at, 8);
    largest = std::max(largest, std::abs(x));
    error = std::max(error, std::abs(x - y));
  }
  return error / largest;
}

class Distribute : public testing::TestWithParam<const char*> {
 protected:
  Distribute() {
    auto device = device::make_aten_device({});
    EXPECT_TRUE(device.ok()) << device.status().to_string();
    device_ = std::move(*device);
    load(GetParam(), &golden_);
    for (const StorageId id : golden_.recorded->window.storages) last_ = std::max(last_, id);
  }

  Distributed distribute(const Degrees& degrees) {
    DistributeInput in{.window = &golden_.recorded->window,
                       .degrees = degrees,
                       .storages = {},
                       .first_temporary = last_ + 1};
    for (const auto& [id, bytes] : golden_.inputs) {
      const bool uploaded = std::ranges::find(golden_.data, id) != golden_.data.end();
      in.storages[id] = {.bytes = bytes.size(), .layout = {}, .free = uploaded};
    }
    Distributed d = compiler::distribute(in, &golden_.signatures);
    EXPECT_EQ(d.verified.message(), "");
    EXPECT_EQ(d.in_time.message(), "");
    return d;
  }
  // A rank's window with the words of the recorded one.
  graph::Window with_words(const RankWindow& r) const {
    graph::Window w = r.window;
    for (size_t i = 0; i < w.words.size(); ++i) {
      const RankWord& word = r.words[i];
      w.words[i] = word.recorded ? golden_.recorded->window.words[word.value] : word.value;
    }
    return w;
  }

  std::unique_ptr<device::Device> device_;
  GoldenWindow golden_;
  StorageId last_ = 0;
};

TEST_P(Distribute, TheScriptsWordsReachTheCallsThatTakeThem) {
  const Distributed d = distribute({.dp = 2});
  size_t recorded = 0;
  for (const RankWindow& r : d.ranks) {
    ASSERT_EQ(r.words.size(), r.window.words.size());
    for (const RankWord& word : r.words) recorded += word.recorded;
    EXPECT_EQ(verify(with_words(r), golden_.signatures), ok_status());
  }
  EXPECT_GT(recorded, 0u);
}

TEST_P(Distribute, DataLiesInShares) {
  const Distributed d = distribute({.dp = 2});
  for (const StorageId id : golden_.data) {
    ASSERT_TRUE(d.before.contains(id));
    EXPECT_FALSE(d.before.at(id).whole());
  }
}

// What is left lies where the door says.
TEST_P(Distribute, LeavesWhatOneDeviceLeaves) {
  VirtualRanks one(device_.get(), &golden_.signatures, {{{"one", 1}}});
  for (const auto& [id, bytes] : golden_.inputs) ASSERT_EQ(one.put(0, id, bytes), ok_status());
  ASSERT_EQ(one.run({golden_.recorded->window}), ok_status());
  for (const Degrees& degrees :
       {Degrees{.dp = 2},
        Degrees{.dp = 3},
        Degrees{.microbatches = 2},
        Degrees{.dp = 2, .microbatches = 3},
        Degrees{.dp = 2, .zero = 3, .microbatches = 2},
        Degrees{.dp = 3, .zero = 1, .microbatches = 4},
        Degrees{.tp = 2, .microbatches = 2},
        Degrees{.dp = 2, .tp = 2, .zero = 2, .microbatches = 3},
        Degrees{.pp = 2},
        Degrees{.dp = 2, .pp = 2},
        Degrees{.tp = 2, .pp = 3},
        Degrees{.pp = 2, .microbatches = 2},
        Degrees{.pp = 3, .microbatches = 4},
        Degrees{.dp = 2, .zero = 3, .pp = 2, .microbatches = 3},
        Degrees{.pp = 2, .microbatches = 4, .schedule = {.kind = kInterleaved, .chunks = 2}},
        Degrees{.pp = 2, .schedule = {.kind = kInterleaved, .chunks = 2}},
        Degrees{.pp = 2, .microbatches = 4, .schedule = {.kind = kZeroBubble}},
        Degrees{.cp = 3},
        Degrees{.dp = 2, .zero = 3, .cp = 2, .microbatches = 3},
        Degrees{.zero = 1, .pp = 2, .cp = 2, .microbatches = 4},
        Degrees{.tp = 2, .pp = 2, .microbatches = 2, .schedule = {.kind = kZeroBubble}}}) {
    const int n = degrees.ranks();
    const Mesh mesh = mesh_of(degrees);
    const Distributed d = distribute(degrees);
    VirtualRanks ranks(device_.get(), &golden_.signatures, mesh);
    std::vector<graph::Window> programs;
    for (int rank = 0; rank < n; ++rank) {
      programs.push_back(with_words(d.ranks[static_cast<size_t>(rank)]));
      for (const auto& [id, bytes] : golden_.inputs) {
        const auto before = d.before.find(id);
        const bool whole = before == d.before.end() || before->second.whole();
        if (before != d.before.end() && !before->second.is_on(mesh, rank)) continue;
        const std::string part = whole ? bytes : part_of(bytes, before->second, mesh, rank);
        ASSERT_EQ(ranks.put(rank, id, part), ok_status());
      }
    }
    ASSERT_EQ(ranks.run(programs), ok_status());
    EXPECT_FALSE(d.after.empty());
    for (const auto& [id, layout] : d.after) {
      const auto wanted = one.get(0, id);
      ASSERT_TRUE(wanted.ok());
      for (int rank = 0; rank < n; ++rank) {
        if (!layout.is_on(mesh, rank)) continue;
        const auto got = ranks.get(rank, id);
        ASSERT_TRUE(got.ok());
        const std::string part = layout.whole() ? *wanted : part_of(*wanted, layout, mesh, rank);
        ASSERT_GE(got->size(), part.size()) << "s" << id;
        const auto& w = golden_.recorded->graph.segments;
        const auto s = std::ranges::find(w, id, &Segment::storage);
        EXPECT_LE(difference(part, got->substr(0, part.size()), s->dtype), 1e-10)
            << "s" << id << " on rank " << rank << " of " << to_string(degrees);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, Distribute,
                         testing::Values("mlp", "cnn", "gpt", "llama", "bert", "experts", "lstm",
                                         "dropout"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace moai::compiler
