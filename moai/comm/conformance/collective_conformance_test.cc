// What every Group must compute, whatever carries it.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>
#include <tuple>
#include <vector>

#include "moai/comm/collective/reduce.h"
#include "moai/comm/conformance/collective_groups.h"

namespace moai::comm {
namespace {

using tensor::DType;
using tensor::Reduction;
using Bytes = std::vector<std::byte>;

constexpr std::array kTypes = {DType::kFloat64, DType::kFloat32,   DType::kBFloat16,
                               DType::kFloat16, DType::kInt8,      DType::kInt16,
                               DType::kInt32,   DType::kInt64,     DType::kUInt8,
                               DType::kBool,    DType::kComplex64, DType::kComplex128};

// Elements of rank `rank`: finite numbers of mixed sizes, so that the order of a sum shows.
Bytes elements(DType dtype, size_t count, int rank, uint32_t salt = 0) {
  const size_t element = tensor::dtype_size(dtype);
  Bytes data(count * element);
  std::mt19937 random(static_cast<uint32_t>(rank) * 7919u + salt);
  for (std::byte& byte : data) byte = static_cast<std::byte>(random() >> 24);
  const auto put = [&](auto number) {
    for (size_t at = 0; at < data.size(); at += sizeof number) {
      number = static_cast<decltype(number)>((static_cast<double>(random()) - 2e9) /
                                             static_cast<double>(1u << (random() % 30)));
      std::memcpy(data.data() + at, &number, sizeof number);
    }
  };
  if (dtype == DType::kFloat32 || dtype == DType::kComplex64) put(float{});
  if (dtype == DType::kFloat64 || dtype == DType::kComplex128) put(double{});
  // No exponent of ones, so neither infinities nor NaN.
  for (size_t at = 1; at < data.size() && dtype == DType::kFloat16; at += 2) {
    data[at] &= std::byte{0xbb};
  }
  for (size_t at = 1; at < data.size() && dtype == DType::kBFloat16; at += 2) {
    data[at] &= std::byte{0xbf};
  }
  for (size_t at = 0; at < data.size() && dtype == DType::kBool; ++at) data[at] &= std::byte{1};
  return data;
}

// The reduction of what `part` gives for each rank, here and in one piece.
Bytes reduced(int ranks, DType dtype, Reduction reduction, size_t count,
              const std::function<Bytes(int)>& part) {
  std::vector<Bytes> all;
  std::vector<const std::byte*> parts;
  for (int rank = 0; rank < ranks; ++rank) all.push_back(part(rank));
  for (const Bytes& bytes : all) parts.push_back(bytes.data());
  Bytes out(count * tensor::dtype_size(dtype));
  reduce(parts, count, dtype, reduction, out.data());
  return out;
}

class CollectiveConformance : public testing::TestWithParam<std::tuple<std::string, int>> {
 protected:
  int ranks() const { return std::get<1>(GetParam()); }
  std::string kind() const { return std::get<0>(GetParam()); }
  // A case with few ranks has more to move.
  size_t scaled(size_t n) const { return n / static_cast<size_t>(ranks()); }
  Groups groups_ = make_groups(kind(), ranks());
};

TEST_P(CollectiveConformance, AllReduceHasTheBitsOfTheOrderOfRanks) {
  for (size_t count : {size_t{0}, size_t{1}, size_t{3}, size_t{1000}, size_t{20011}}) {
    for (DType dtype : kTypes) {
      for (uint8_t number = 0; tensor::is_reduction(number); ++number) {
        const auto reduction = static_cast<Reduction>(number);
        if (!check_reducible(dtype, reduction).ok()) continue;
        if (count > 1000 && dtype != DType::kFloat32 && reduction != Reduction::kSum) continue;
        const auto part = [&](int rank) { return elements(dtype, count, rank); };
        const Bytes expected = reduced(ranks(), dtype, reduction, count, part);
        on_all_ranks(groups_, [&](Group& group) {
          Bytes data = part(group.rank());
          const Status status = group.all_reduce(data.data(), count, dtype, reduction);
          ASSERT_TRUE(status.ok()) << status.to_string();
          EXPECT_TRUE(data == expected)
              << count << " " << tensor::dtype_name(dtype) << " " << reduction_name(reduction);
        });
      }
    }
  }
}

TEST_P(CollectiveConformance, AllReduceOfMoreThanAnyBuffer) {
  const size_t count = scaled(6'000'001);  // shares of more than one part each
  const auto part = [&](int rank) { return elements(DType::kFloat32, count, rank); };
  const Bytes expected = reduced(ranks(), DType::kFloat32, Reduction::kSum, count, part);
  on_all_ranks(groups_, [&](Group& group) {
    Bytes data = part(group.rank());
    const Status status = group.all_reduce(data.data(), count, DType::kFloat32, Reduction::kSum);
    ASSERT_TRUE(status.ok()) << status.to_string();
    EXPECT_TRUE(data == expected);
  });
}

// Bytes of each rank: some none, some more than a slot.
std::vector<size_t> uneven(int ranks, size_t most, uint32_t salt) {
  std::vector<size_t> sizes;
  for (int rank = 0; rank < ranks; ++rank) {
    sizes.push_back((static_cast<size_t>(rank) + salt) % 3 == 0
                        ? 0
                        : (most * (static_cast<size_t>(rank) + salt + 1)) / 8 + 1);
  }
  return sizes;
}

TEST_P(CollectiveConformance, AllGatherOfUnevenParts) {
  for (uint32_t salt = 0; salt < 6; ++salt) {
    for (bool in_place : {false, true}) {
      const std::vector<size_t> sizes = uneven(ranks(), salt % 2 ? 60 : 30'000, salt);
      Bytes expected;
      for (int rank = 0; rank < ranks(); ++rank) {
        const Bytes part = elements(DType::kUInt8, sizes[static_cast<size_t>(rank)], rank, salt);
        expected.insert(expected.end(), part.begin(), part.end());
      }
      on_all_ranks(groups_, [&](Group& group) {
        const auto self = static_cast<size_t>(group.rank());
        const Bytes mine = elements(DType::kUInt8, sizes[self], group.rank(), salt);
        Bytes out(expected.size());
        std::byte* place =
            out.data() + std::accumulate(sizes.begin(), sizes.begin() + group.rank(), size_t{0});
        if (in_place) std::copy(mine.begin(), mine.end(), place);
        const Status status = group.all_gather(in_place ? place : mine.data(), sizes, out.data());
        ASSERT_TRUE(status.ok()) << status.to_string();
        EXPECT_TRUE(out == expected);
      });
    }
  }
}

TEST_P(CollectiveConformance, ReduceScatterOfUnevenParts) {
  for (uint32_t salt = 0; salt < 6; ++salt) {
    const std::vector<size_t> counts = uneven(ranks(), salt % 2 ? 40 : 20'000, salt);
    const size_t total = std::accumulate(counts.begin(), counts.end(), size_t{0});
    const DType dtype = salt % 2 ? DType::kBFloat16 : DType::kFloat32;
    const size_t element = tensor::dtype_size(dtype);
    const auto part = [&](int rank) { return elements(dtype, total, rank, salt); };
    const Bytes expected = reduced(ranks(), dtype, Reduction::kSum, total, part);
    on_all_ranks(groups_, [&](Group& group) {
      const size_t own = counts[static_cast<size_t>(group.rank())] * element;
      const size_t at =
          std::accumulate(counts.begin(), counts.begin() + group.rank(), size_t{0}) * element;
      Bytes in = part(group.rank());
      Bytes out(own);
      // Odd salts: in place.
      std::byte* to = salt % 4 == 1 ? in.data() + at : out.data();
      const Status status = group.reduce_scatter(in.data(), counts, to, dtype, Reduction::kSum);
      ASSERT_TRUE(status.ok()) << status.to_string();
      EXPECT_TRUE(std::equal(to, to + own, expected.begin() + static_cast<int64_t>(at)));
    });
  }
}

TEST_P(CollectiveConformance, AllToAllOfUnevenParts) {
  const auto size_of = [&](int from, int to, uint32_t salt) {
    const auto n = static_cast<size_t>(from * 5 + to * 3) + salt;
    return n % 4 == 0 ? 0 : n * (salt % 2 ? 7 : 2500);
  };
  for (uint32_t salt = 0; salt < 6; ++salt) {
    on_all_ranks(groups_, [&](Group& group) {
      std::vector<size_t> to, from;
      Bytes in, expected;
      for (int peer = 0; peer < ranks(); ++peer) {
        to.push_back(size_of(group.rank(), peer, salt));
        from.push_back(size_of(peer, group.rank(), salt));
        const auto pair = [&](int a, int b) {
          return elements(DType::kUInt8, size_of(a, b, salt), a * 100 + b, salt);
        };
        const Bytes sent = pair(group.rank(), peer), comes = pair(peer, group.rank());
        in.insert(in.end(), sent.begin(), sent.end());
        expected.insert(expected.end(), comes.begin(), comes.end());
      }
      Bytes out(expected.size());
      const Status status = group.all_to_all(in.data(), to, out.data(), from);
      ASSERT_TRUE(status.ok()) << status.to_string();
      EXPECT_TRUE(out == expected);
    });
  }
}

TEST_P(CollectiveConformance, BroadcastFromEveryRoot) {
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{8192}, size_t{50'001}, size_t{2'500'000}}) {
    for (int root = bytes > 1'000'000 ? ranks() - 1 : 0; root < ranks(); ++root) {
      const Bytes expected = elements(DType::kUInt8, bytes, root);
      on_all_ranks(groups_, [&](Group& group) {
        Bytes data = elements(DType::kUInt8, bytes, group.rank());
        const Status status = group.broadcast(data.data(), bytes, root);
        ASSERT_TRUE(status.ok()) << status.to_string();
        EXPECT_TRUE(data == expected);
      });
    }
  }
}

TEST_P(CollectiveConformance, NobodyLeavesABarrierBeforeAllHaveCome) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> came = 0;
    on_all_ranks(groups_, [&](Group& group) {
      if (group.rank() == round % ranks()) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
      ++came;
      const Status status = group.barrier();
      ASSERT_TRUE(status.ok()) << status.to_string();
      EXPECT_EQ(came, ranks());
    });
  }
}

TEST_P(CollectiveConformance, AThousandSmallCallsInARow) {
  on_all_ranks(groups_, [&](Group& group) {
    for (int i = 0; i < 1000; ++i) {
      int64_t value = group.rank() + i;
      const Status status = group.all_reduce(&value, 1, DType::kInt64, Reduction::kSum);
      ASSERT_TRUE(status.ok()) << status.to_string();
      ASSERT_EQ(value, int64_t{ranks()} * i + ranks() * (ranks() - 1) / 2);
    }
  });
}

TEST_P(CollectiveConformance, MessagesInFlightAreMatchedByTagInOrder) {
  // Everyone sends everything before it receives anything, some of it larger than any buffer.
  const auto size_of = [](int i) { return i % 5 == 4 ? size_t{100'000} : size_t(i * 7); };
  on_all_ranks(groups_, [&](Group& group) {
    for (int i = 0; i < 40; ++i) {
      for (int peer = 0; peer < ranks(); ++peer) {
        if (peer == group.rank()) continue;
        const Bytes data = elements(DType::kUInt8, size_of(i), group.rank(), i);
        const Status status =
            group.send(peer, static_cast<uint64_t>(i % 3), data.data(), data.size());
        ASSERT_TRUE(status.ok()) << status.to_string();
      }
    }
    int64_t between = 1;
    ASSERT_TRUE(group.all_reduce(&between, 1, DType::kInt64, Reduction::kSum).ok());
    EXPECT_EQ(between, ranks());
    for (uint64_t tag : {2u, 0u, 1u}) {
      for (int i = static_cast<int>(tag); i < 40; i += 3) {
        for (int peer = 0; peer < ranks(); ++peer) {
          if (peer == group.rank()) continue;
          Bytes data(size_of(i));
          const Status status = group.receive(peer, tag, data.data(), data.size());
          ASSERT_TRUE(status.ok()) << status.to_string();
          EXPECT_TRUE(data == elements(DType::kUInt8, size_of(i), peer, i));
        }
      }
    }
  });
}

// Every list of two or more ranks, by bits.
std::vector<std::vector<int>> subsets(int ranks) {
  std::vector<std::vector<int>> all;
  for (int bits = 1; bits < 1 << ranks; ++bits) {
    std::vector<int> list;
    for (int rank = 0; rank < ranks; ++rank) {
      if (bits >> rank & 1) list.push_back(rank);
    }
    if (bits % 3 == 0) std::reverse(list.begin(), list.end());
    if (list.size() > 1 && (ranks < 5 || bits % 16 == 5)) all.push_back(std::move(list));
  }
  return all;
}

TEST_P(CollectiveConformance, SubgroupsMadeInAnyOrderReduceInTheOrderOfTheirLists) {
  const std::vector<std::vector<int>> lists = subsets(ranks());
  on_all_ranks(groups_, [&](Group& group) {
    // Made in an order of this rank's own, used in one that all share.
    std::vector<size_t> order;
    for (size_t i = 0; i < lists.size(); ++i) {
      const auto& list = lists[i];
      if (std::find(list.begin(), list.end(), group.rank()) != list.end()) order.push_back(i);
    }
    std::shuffle(order.begin(), order.end(), std::mt19937(static_cast<uint32_t>(group.rank())));
    std::vector<std::unique_ptr<Group>> made(lists.size());
    for (size_t i : order) {
      auto subgroup = group.make_subgroup(lists[i]);
      ASSERT_TRUE(subgroup.ok()) << subgroup.status().to_string();
      made[i] = *std::move(subgroup);
    }
    for (size_t i = 0; i < lists.size(); ++i) {
      if (!made[i]) continue;
      EXPECT_EQ(lists[i][static_cast<size_t>(made[i]->rank())], group.rank());
      const size_t count = i % 2 ? 30 : 9000;
      const auto part = [&](int place) {
        return elements(DType::kFloat32, count, lists[i][static_cast<size_t>(place)]);
      };
      const Bytes expected =
          reduced(made[i]->size(), DType::kFloat32, Reduction::kSum, count, part);
      Bytes data = part(made[i]->rank());
      const Status status =
          made[i]->all_reduce(data.data(), count, DType::kFloat32, Reduction::kSum);
      ASSERT_TRUE(status.ok()) << status.to_string();
      EXPECT_TRUE(data == expected);
    }
  });
  EXPECT_TRUE(groups_.size() > 0);
}

TEST_P(CollectiveConformance, TwoGroupsOfTheSameRanksRunAtOnceInTwoThreads) {
  std::vector<int> all(static_cast<size_t>(ranks()));
  std::iota(all.begin(), all.end(), 0);
  on_all_ranks(groups_, [&](Group& group) {
    auto other = group.make_subgroup(all);
    ASSERT_TRUE(other.ok()) << other.status().to_string();
    const auto work = [&](Group* own, int64_t step) {
      for (int i = 0; i < 60; ++i) {
        std::vector<int64_t> data(i % 2 ? 10 : 5000, step * i + group.rank());
        const Status status =
            own->all_reduce(data.data(), data.size(), DType::kInt64, Reduction::kSum);
        ASSERT_TRUE(status.ok()) << status.to_string();
        EXPECT_EQ(data.back(), ranks() * step * i + ranks() * (ranks() - 1) / 2);
      }
    };
    std::thread beside([&] { work(other->get(), 1000); });
    work(&group, 1);
    beside.join();
  });
}

std::string case_name(const testing::TestParamInfo<std::tuple<std::string, int>>& info) {
  return std::get<0>(info.param) + "_" + std::to_string(std::get<1>(info.param));
}

TEST_P(CollectiveConformance, SubgroupsOfSubgroupsAreGroupsOfTheirOwn) {
  std::vector<int> all(static_cast<size_t>(ranks()));
  std::iota(all.begin(), all.end(), 0);
  on_all_ranks(groups_, [&](Group& group) {
    auto first = group.make_subgroup(all), second = group.make_subgroup(all);
    ASSERT_TRUE(first.ok() && second.ok());
    auto nested = (*first)->make_subgroup(all);
    ASSERT_TRUE(nested.ok()) << nested.status().to_string();
    for (Group* each : {nested->get(), second->get(), first->get(), &group}) {
      int64_t sum = group.rank();
      const Status status = each->all_reduce(&sum, 1, DType::kInt64, Reduction::kSum);
      ASSERT_TRUE(status.ok()) << status.to_string();
      EXPECT_EQ(sum, ranks() * (ranks() - 1) / 2);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Kinds, CollectiveConformance,
                         testing::Combine(testing::Values("shared_memory", "one_mapping", "memory",
                                                          "unix"),
                                          testing::Values(2, 3, 4, 8)),
                         case_name);
INSTANTIATE_TEST_SUITE_P(KindsOfNetworks, CollectiveConformance,
                         testing::Combine(testing::Values("tcp", "tls"), testing::Values(2, 3)),
                         case_name);
INSTANTIATE_TEST_SUITE_P(KindsOfDevices, CollectiveConformance,
                         testing::Combine(testing::Values("nccl"), testing::Values(2, 3, 5)),
                         case_name);

// One rank is a group, too.
TEST(CollectiveConformanceAlone, OneRankKeepsItsPart) {
  for (const char* kind : {"shared_memory", "memory", "nccl"}) {
    const Groups groups = make_groups(kind, 1);
    std::vector<float> data(40'000, -3.0f);
    ASSERT_TRUE(
        groups[0]->all_reduce(data.data(), data.size(), DType::kFloat32, Reduction::kNorm2).ok());
    EXPECT_EQ(data.back(), 3.0f);
    const std::vector<size_t> sizes = {data.size()};
    std::vector<float> out(data.size());
    ASSERT_TRUE(
        groups[0]
            ->reduce_scatter(data.data(), sizes, out.data(), DType::kFloat32, Reduction::kSum)
            .ok());
    EXPECT_EQ(out, data);
    const std::vector<size_t> bytes = {data.size() * 4};
    std::vector<float> gathered(data.size()), exchanged(data.size());
    ASSERT_TRUE(groups[0]->all_gather(data.data(), bytes, gathered.data()).ok());
    ASSERT_TRUE(groups[0]->all_to_all(data.data(), bytes, exchanged.data(), bytes).ok());
    EXPECT_EQ(gathered, data);
    EXPECT_EQ(exchanged, data);
    EXPECT_TRUE(groups[0]->broadcast(data.data(), 4, 0).ok());
    EXPECT_TRUE(groups[0]->barrier().ok());
  }
}

}  // namespace
}  // namespace moai::comm
