// Ranks that are processes: one is killed in the midst of a call, and the others must say so.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "moai/base/fd.h"
#include "moai/comm/collective/linked.h"
#include "moai/comm/collective/rendezvous.h"
#include "moai/comm/collective/segment_file.h"
#include "moai/comm/conformance/collective_groups.h"
#include "moai/comm/conformance/link_pairs.h"

namespace moai::comm {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using tensor::DType;
using tensor::Reduction;

constexpr int kRanks = 4;
constexpr int kVictim = 1;

// A rank that runs in a child; what it writes comes back over a pipe.
class Child {
 public:
  explicit Child(const std::function<std::string()>& body) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    output_ = Fd(ends[0]);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::alarm(60);
      const std::string text = body();
      [[maybe_unused]] const ssize_t written = ::write(ends[1], text.data(), text.size());
      ::_exit(0);
    }
    ::close(ends[1]);
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  void kill() const { ::kill(pid_, SIGKILL); }
  // What it wrote until it ended.
  std::string text() const {
    std::string text;
    char buffer[4096];
    ssize_t n = 0;
    while ((n = ::read(output_.get(), buffer, sizeof buffer)) > 0) {
      text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }

 private:
  Fd output_;
  pid_t pid_ = -1;
};

Result<std::unique_ptr<Group>> join(const std::string& kind, const std::string& name,
                                    const std::filesystem::path& folder, int rank) {
  if (kind == "shared_memory") {
    SharedMemoryOptions options = shared_options(rank, kRanks);
    options.name = name;
    return join_shared_memory(options);
  }
  std::vector<std::string> addresses;
  for (int r = 0; r < kRanks; ++r) {
    addresses.push_back("unix:" + (folder / std::to_string(r)).string());
  }
  MOAI_ASSIGN_OR_RETURN(auto listener, listen(addresses[static_cast<size_t>(rank)]));
  MOAI_ASSIGN_OR_RETURN(auto links,
                        link_ranks(listener.get(), addresses, rank, "secret", in_ms(20'000)));
  return join_linked(std::move(links), rank);
}

// Sums over and over; the victim kills itself while the others are in the midst of a sum.
std::string sum_until_failure(Group& group) {
  std::vector<float> data(300'000, 1.0f);
  for (int i = 0; i < 1000; ++i) {
    if (i == 20 && group.rank() == kVictim) ::raise(SIGKILL);
    const Status status =
        group.all_reduce(data.data(), data.size(), DType::kFloat32, Reduction::kMax);
    if (!status.ok()) return status.to_string();
  }
  return "no failure";
}

class CollectiveProcesses : public testing::TestWithParam<std::string> {
 protected:
  std::vector<std::unique_ptr<Child>> start(const std::function<std::string(Group&)>& body) {
    std::vector<std::unique_ptr<Child>> children;
    for (int rank = 0; rank < kRanks; ++rank) {
      children.push_back(std::make_unique<Child>([&, rank]() -> std::string {
        auto group = join(GetParam(), name_, folder_.path(), rank);
        return group.ok() ? body(**group) : "cannot join: " + group.status().to_string();
      }));
    }
    return children;
  }

  const std::string name_ = unique_name();
  const TemporaryDirectory folder_;
};

TEST_P(CollectiveProcesses, ProcessesComputeTogether) {
  const auto children = start([](Group& group) -> std::string {
    std::vector<int64_t> data(100'000, group.rank());
    const Status status =
        group.all_reduce(data.data(), data.size(), DType::kInt64, Reduction::kSum);
    return status.ok() ? std::to_string(data.back()) : status.to_string();
  });
  for (const auto& child : children) EXPECT_EQ(child->text(), "6");
  EXPECT_TRUE(segment_files(name_).empty());
}

// All but the victim, within two seconds of its death.
template <class Children>
void expect_victim_named(const Children& children, const char* call) {
  EXPECT_EQ(children[kVictim]->text(), "");  // it is dead by now
  const auto start = steady_clock::now();
  for (int rank = 0; rank < kRanks; ++rank) {
    if (rank == kVictim) continue;
    const std::string text = children[static_cast<size_t>(rank)]->text();
    EXPECT_EQ(text.find("UNAVAILABLE"), 0u) << text;
    for (const char* word : {call, "rank 1 (", "its log says why"}) {
      EXPECT_NE(text.find(word), std::string::npos) << "'" << word << "' missing in: " << text;
    }
  }
  EXPECT_LT(steady_clock::now() - start, milliseconds(2000));
}

TEST_P(CollectiveProcesses, AKilledRankFailsTheOthersWithinTwoSeconds) {
  expect_victim_named(start(sum_until_failure), "all_reduce of 300000 f32 (max)");
  EXPECT_TRUE(segment_files(name_).empty());
}

// Looks over and over, as who waits by other means does.
std::string look_until_failure(Group& group) {
  if (const Status met = group.barrier(); !met.ok()) return met.to_string();
  if (group.rank() == kVictim) ::raise(SIGKILL);
  for (int i = 0; i < 400; ++i) {
    if (const Status status = group.check(); !status.ok()) return status.to_string();
    ::usleep(10'000);
  }
  return "no failure";
}

TEST_P(CollectiveProcesses, AKilledRankIsSeenByALookWithinTwoSeconds) {
  expect_victim_named(start(look_until_failure), "a look at its ranks failed");
}

INSTANTIATE_TEST_SUITE_P(Kinds, CollectiveProcesses, testing::Values("shared_memory", "unix"),
                         [](const auto& info) { return info.param; });

TEST(CollectiveLeftovers, OfKilledRanksAreRemovedByTheNextGroup) {
  const std::string name = unique_name();
  {
    // Two of four ranks join and are killed before the others come, so the name stays.
    std::vector<std::unique_ptr<Child>> children;
    for (int rank = 0; rank < 2; ++rank) {
      children.push_back(std::make_unique<Child>([&, rank]() -> std::string {
        auto group = join("shared_memory", name, {}, rank);
        return group.ok() ? (*group)->barrier().to_string() : group.status().to_string();
      }));
    }
    const auto end = steady_clock::now() + milliseconds(10'000);
    while (segment_files(name).empty() && steady_clock::now() < end) ::usleep(1000);
    ::usleep(50'000);
    EXPECT_EQ(segment_files(name).size(), 1u);
    for (const auto& child : children) child->kill();
    for (const auto& child : children) EXPECT_EQ(child->text(), "");
  }
  EXPECT_EQ(segment_files(name).size(), 1u);
  {
    const Groups other = make_groups("shared_memory", 2);
    EXPECT_TRUE(segment_files(name).empty());
  }
}

}  // namespace
}  // namespace moai::comm
