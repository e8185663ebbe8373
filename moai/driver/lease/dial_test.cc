#include "moai/driver/lease/dial.h"

#include <gmock/gmock.h>

#include <thread>

#include "moai/base/testing/temporary_directory.h"

namespace moai::driver {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

comm::Deadline in(milliseconds time) { return steady_clock::now() + time; }

// Listeners on sockets of their own, by rank.
class DialTest : public testing::Test {
 protected:
  void listen(size_t count) {
    for (size_t rank = 0; rank < count; ++rank) {
      auto listener = comm::listen("unix:" + folder_.path() + "/w" + std::to_string(rank));
      ASSERT_TRUE(listener.ok()) << listener.status().to_string();
      addresses_.push_back((*listener)->address());
      listeners_.push_back(std::move(*listener));
    }
  }
  // What was sent over a link that came to `rank`.
  std::string heard_by(size_t rank) {
    auto link = listeners_[rank]->accept(in(milliseconds(20'000)), {});
    if (!link.ok()) return link.status().to_string();
    auto frame = (*link)->receive(in(milliseconds(20'000)), {});
    return frame.ok() ? *frame : frame.status().to_string();
  }

  TemporaryDirectory folder_;
  std::vector<std::string> addresses_;
  std::vector<std::unique_ptr<comm::Listener>> listeners_;
};

TEST_F(DialTest, LinksStandByRank) {
  listen(20);
  const Dialled dialled = dial_all(addresses_, in(milliseconds(20'000)), {});
  ASSERT_EQ(dialled.error, ok_status());
  ASSERT_EQ(dialled.links.size(), 20u);
  for (size_t rank = 0; rank < 20; ++rank) {
    const std::string said = "to " + std::to_string(rank);
    const std::string_view part = said;
    ASSERT_EQ(dialled.links[rank]->send({&part, 1}, milliseconds(20'000)), ok_status());
    EXPECT_EQ(heard_by(rank), said);
  }
}

TEST_F(DialTest, CostsNoFrame) {
  listen(4);
  const Dialled dialled = dial_all(addresses_, in(milliseconds(20'000)), {});
  for (const auto& link : dialled.links) {
    EXPECT_EQ(link->counters().frames_sent + link->counters().bytes_sent, 0u);
    EXPECT_EQ(link->counters().frames_received + link->counters().bytes_received, 0u);
  }
}

TEST_F(DialTest, OneThatCannotBeReachedIsNamedAndTheOthersAreClosed) {
  listen(4);
  listeners_[2]->close();
  listeners_[2].reset();
  const Dialled dialled = dial_all(addresses_, in(milliseconds(20'000)), {});
  EXPECT_EQ(dialled.error.code(), Code::kUnavailable);
  EXPECT_EQ(dialled.failed, 2u);
  EXPECT_TRUE(dialled.links.empty());
}

TEST_F(DialTest, OneAddressNeedsNoThread) {
  listen(1);
  const Dialled dialled = dial_all(addresses_, in(milliseconds(20'000)), {});
  ASSERT_EQ(dialled.links.size(), 1u);
  EXPECT_EQ(dialled.error, ok_status());
  EXPECT_EQ(dial_all({"nowhere:x"}, in(milliseconds(100)), {}).error.code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace moai::driver
