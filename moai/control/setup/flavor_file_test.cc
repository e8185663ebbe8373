#include "moai/control/setup/flavor_file.h"

#include <gtest/gtest.h>

namespace moai::control {
namespace {

TEST(FlavorFile, OneFlavorALine) {
  const auto rows = parse_flavors(
      "# id  name  devices  MiB of one\n"
      "1   Small.64GB       1  65520\n"
      "\n"
      "52  1.5xLarge.768GB  12 65520  # an odd one\r\n");
  ASSERT_TRUE(rows.ok()) << rows.status().to_string();
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[1], (FlavorRow{52, 0, "1.5xLarge.768GB", 12, uint64_t{65520} << 20}));
}

TEST(FlavorFile, WhatIsWrongIsNamedByItsLine) {
  for (const char* line :
       {"1 Small 1", "1 Small 0 65520", "x Small 1 65520", "0 Small 1 65520",
        "1 Small 1 65520 more", "1 Small -1 65520", "9999999999999999999 Small 1 65520",
        "1 Big 1 65520", "3 Tiny 1 65520"}) {
    const auto rows = parse_flavors(std::string("1 Tiny 1 65520\n") + line);
    ASSERT_FALSE(rows.ok()) << line;
    EXPECT_NE(rows.status().message().find("line 2"), std::string::npos) << line;
  }
  EXPECT_FALSE(parse_flavors("# nothing\n").ok());
}

}  // namespace
}  // namespace moai::control
