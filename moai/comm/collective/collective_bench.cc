// Microseconds and bus bandwidth of a sum over two ranks, over shared memory and over links:
//   collective_bench shared_memory|unix|tcp RANKS [SLOT_BYTES]
// A rank is a process. The median of many calls; the bus moves 2 (n - 1) / n of the bytes a rank.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "moai/comm/collective/linked.h"
#include "moai/comm/collective/rendezvous.h"
#include "moai/comm/collective/shared_memory.h"

namespace moai::comm {
namespace {

using std::chrono::steady_clock;

[[noreturn]] void die(const char* what, const Status& status) {
  std::fprintf(stderr, "%s: %s\n", what, status.to_string().c_str());
  std::_Exit(1);
}

struct Place {
  std::string kind, name;
  size_t slot_bytes = SharedMemoryOptions().slot_bytes;
  std::vector<std::string> addresses{};
};

std::unique_ptr<Group> join(const Place& place, int rank, int ranks) {
  if (place.kind == "shared_memory") {
    auto group = join_shared_memory(
        {.name = place.name, .rank = rank, .size = ranks, .slot_bytes = place.slot_bytes});
    if (!group.ok()) die("join", group.status());
    return *std::move(group);
  }
  auto listener = listen(place.addresses[static_cast<size_t>(rank)]);
  if (!listener.ok()) die("listen", listener.status());
  auto links = link_ranks(listener->get(), place.addresses, rank, "bench",
                          steady_clock::now() + std::chrono::seconds(20));
  if (!links.ok()) die("link", links.status());
  auto group = join_linked(*std::move(links), rank);
  if (!group.ok()) die("join", group.status());
  return *std::move(group);
}

void measure(Group* group, size_t bytes, int times) {
  std::vector<float> data(bytes / sizeof(float));
  std::vector<double> us;
  for (int i = -times / 5; i < times; ++i) {
    const Status met = group->barrier();
    if (!met.ok()) die("barrier", met);
    const auto begin = steady_clock::now();
    const Status status = group->all_reduce(data.data(), data.size(), tensor::DType::kFloat32,
                                            tensor::Reduction::kSum);
    if (!status.ok()) die("all_reduce", status);
    const std::chrono::duration<double, std::micro> passed = steady_clock::now() - begin;
    if (i >= 0) us.push_back(passed.count());
  }
  std::sort(us.begin(), us.end());
  const double median = us[us.size() / 2];
  const double ranks = group->size();
  if (group->rank() != 0) return;
  std::printf("%10zu bytes %12.1f us %8.2f GB/s\n", bytes, median,
              static_cast<double>(bytes) * 2 * (ranks - 1) / ranks / median / 1e3);
  std::fflush(stdout);
}

int run(const char* kind, int ranks, const char* slot_bytes) {
  const std::string own = std::to_string(::getpid());
  const auto folder = std::filesystem::temp_directory_path() / ("moai-bench-" + own);
  std::filesystem::create_directory(folder);
  Place place{.kind = kind, .name = "bench-" + own};
  if (slot_bytes) place.slot_bytes = static_cast<size_t>(std::atoll(slot_bytes));
  for (int r = 0; r < ranks; ++r) {
    place.addresses.push_back(
        place.kind == "tcp" ? "tcp:127.0.0.1:" + std::to_string(20'000 + ::getpid() % 20'000 + r)
                            : "unix:" + (folder / std::to_string(r)).string());
  }
  for (int rank = 0; rank < ranks; ++rank) {
    if (::fork() != 0) continue;
    const auto group = join(place, rank, ranks);
    measure(group.get(), 4 << 10, 2000);
    measure(group.get(), 64 << 20, 15);
    std::_Exit(0);
  }
  int failures = 0;
  for (int state = 0; ::wait(&state) > 0;) failures += state != 0;
  std::filesystem::remove_all(folder);
  return failures != 0;
}

}  // namespace
}  // namespace moai::comm

int main(int argc, char** argv) {
  const char* kind = argc > 1 ? argv[1] : "shared_memory";
  return moai::comm::run(kind, argc > 2 ? std::atoi(argv[2]) : 2, argc > 3 ? argv[3] : nullptr);
}
