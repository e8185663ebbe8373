#include "moai/graph/signature_table.h"

#include <gtest/gtest.h>

#include <thread>

namespace moai::graph {
namespace {

ops::CallSignature numbered(int64_t n) {
  return {.op = "aten::op", .args = {{.kind = ops::ArgKind::kInt, .ints = {n}}}};
}

TEST(SignatureTable, EqualSignaturesShareAnId) {
  SignatureTable table;
  EXPECT_EQ(table.intern(numbered(5)), 0u);
  EXPECT_EQ(table.intern(numbered(6)), 1u);
  EXPECT_EQ(table.intern(numbered(5)), 0u);
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.at(1).signature(), numbered(6));
  EXPECT_EQ(table.at(1).hash, ops::hash(numbered(6)));
}

TEST(SignatureTable, EntriesStayWhereTheyAre) {
  SignatureTable table;
  const SignatureTable::Entry* first = &table.at(table.intern(numbered(0)));
  for (int64_t n = 1; n < 1000; ++n) EXPECT_EQ(table.intern(numbered(n)), SignatureId(n));
  EXPECT_EQ(first, &table.at(0));
  for (int64_t n = 0; n < 1000; ++n) {
    EXPECT_EQ(table.at(static_cast<SignatureId>(n)).signature(), numbered(n));
  }
}

TEST(SignatureTable, ReadersNeedNoLock) {
  SignatureTable table;
  std::thread writer([&] {
    for (int64_t n = 0; n < 2000; ++n) table.intern(numbered(n));
  });
  for (size_t seen = 0; seen < 2000; seen = table.size()) {
    if (seen == 0) continue;
    EXPECT_EQ(table.at(static_cast<SignatureId>(seen - 1)).signature().args.size(), 1u);
  }
  writer.join();
  EXPECT_EQ(table.size(), 2000u);
}

}  // namespace
}  // namespace moai::graph
