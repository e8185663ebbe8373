#include "moai/driver/insight/flush_ledger.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace moai::driver {
namespace {

TEST(FlushLedger, CountsByReasonAndLine) {
  FlushLedger ledger;
  ledger.flushed(Reason::kQuiet, 3);
  ledger.flushed(Reason::kStepEnd, 7);
  ledger.flushed(Reason::kStepEnd, 7);
  ledger.flushed(Reason::kStepEnd, 8);
  const auto rows = ledger.flushes();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].reason, Reason::kStepEnd);
  EXPECT_EQ(rows[0].line, 7u);
  EXPECT_EQ(rows[0].count, 2u);
  EXPECT_TRUE(ledger.waits().empty());
}

TEST(FlushLedger, WaitsAreSummedAndTheLongestInAllComesFirst) {
  FlushLedger ledger;
  for (int i = 0; i < 5; ++i) ledger.waited(Reason::kRead, 1, 10);
  ledger.waited(Reason::kSynchronize, 2, 100);
  ledger.waited(Reason::kSynchronize, 2, 40);
  const auto rows = ledger.waits();
  EXPECT_EQ(rows[0].reason, Reason::kSynchronize);
  EXPECT_EQ(rows[0].total_ns, 140u);
  EXPECT_EQ(rows[0].longest_ns, 100u);
  EXPECT_EQ(rows[1].count, 5u);
}

TEST(FlushLedger, StaysBounded) {
  FlushLedger ledger;
  for (graph::LineId line = 1; line <= 10'000; ++line) ledger.flushed(Reason::kRead, line);
  EXPECT_LE(ledger.flushes().size(), FlushLedger::kRowsMax + 1);
  EXPECT_EQ(ledger.flushes()[0].line, 0u);
  EXPECT_EQ(ledger.flushes()[0].count, 10'000 - FlushLedger::kRowsMax);
}

TEST(FlushLedger, EveryReasonHasAName) {
  std::set<std::string> names;
  for (auto r = static_cast<uint8_t>(Reason::kCalls); r <= static_cast<uint8_t>(Reason::kExit); ++r)
    names.insert(reason_name(static_cast<Reason>(r)));
  EXPECT_EQ(names.size(), 10u);
}

}  // namespace
}  // namespace moai::driver
