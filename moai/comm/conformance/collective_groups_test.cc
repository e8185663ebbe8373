#include "moai/comm/conformance/collective_groups.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <numeric>
#include <thread>

#include "moai/comm/collective/linked.h"
#include "moai/comm/conformance/link_pairs.h"
#include "moai/comm/conformance/over_nccl.h"

namespace moai::comm {

std::vector<std::string> group_kinds() {
  return {"shared_memory", "one_mapping", "memory", "unix", "tcp", "tls"};
}

std::string unique_name() {
  static std::atomic<int> count = 0;
  return "test-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

SharedMemoryOptions shared_options(int rank, int size) {
  return {.rank = rank,
          .size = size,
          .slot_bytes = 8192,
          .mail_bytes = 1024,
          .group = {.linger = std::chrono::milliseconds(50)}};
}

namespace {

Groups shared_groups(int size, const GroupOptions& group, bool one_mapping) {
  const std::string name = unique_name();
  std::shared_ptr<Segment> segment;
  Groups groups;
  for (int rank = 0; rank < size; ++rank) {
    SharedMemoryOptions options = shared_options(rank, size);
    options.name = name;
    options.group = group;
    if (one_mapping && !segment) segment = *open_segment(options);
    auto joined = one_mapping ? join_segment(segment, options) : join_shared_memory(options);
    EXPECT_TRUE(joined.ok()) << joined.status().to_string();
    groups.push_back(*std::move(joined));
  }
  return groups;
}

Groups linked_groups(const std::string& kind, int size, const GroupOptions& options) {
  const auto n = static_cast<size_t>(size);
  std::vector<std::vector<std::unique_ptr<Link>>> links(n);
  for (auto& row : links) row.resize(n);
  for (size_t a = 0; a < n; ++a) {
    for (size_t b = a + 1; b < n; ++b) {
      LinkPair pair = make_links(kind);
      links[a][b] = std::move(pair.client);
      links[b][a] = std::move(pair.server);
    }
  }
  Groups groups;
  for (size_t rank = 0; rank < n; ++rank) {
    auto joined = join_linked(std::move(links[rank]), static_cast<int>(rank), options);
    EXPECT_TRUE(joined.ok()) << joined.status().to_string();
    groups.push_back(*std::move(joined));
  }
  return groups;
}

}  // namespace

namespace {

Groups nccl_groups(int size, const GroupOptions& options) {
  Groups groups = shared_groups(size, options, false);
  std::vector<int> all(groups.size());
  std::iota(all.begin(), all.end(), 0);
  for (auto& group : groups) group = std::make_unique<OverNccl>(std::move(group), all);
  return groups;
}

}  // namespace

Groups make_groups(const std::string& kind, int size, const GroupOptions& options) {
  if (kind == "nccl") return nccl_groups(size, options);
  if (kind == "shared_memory") return shared_groups(size, options, false);
  if (kind == "one_mapping") return shared_groups(size, options, true);
  return linked_groups(kind, size, options);
}

void on_all_ranks(const Groups& groups, const std::function<void(Group&)>& body) {
  std::vector<std::thread> threads;
  for (const auto& group : groups) threads.emplace_back([&] { body(*group); });
  for (auto& thread : threads) thread.join();
}

std::vector<Status> statuses(const Groups& groups, const std::function<Status(Group&)>& body) {
  std::vector<Status> all(groups.size());
  on_all_ranks(groups, [&](Group& group) { all[static_cast<size_t>(group.rank())] = body(group); });
  return all;
}

std::vector<std::string> segment_files(const std::string& name) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    const std::string file = entry.path().filename().string();
    if (file.find(name) != std::string::npos) found.push_back(file);
  }
  return found;
}

}  // namespace moai::comm
