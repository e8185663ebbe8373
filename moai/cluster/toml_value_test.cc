#include "moai/cluster/toml_value.h"

#include <gtest/gtest.h>

namespace moai::cluster {
namespace {

using Kind = TomlValue::Kind;

std::string error_of(std::string_view text) {
  const auto value = toml_from_string(text, "a.toml");
  return value.ok() ? "" : value.status().message();
}

TEST(TomlValue, KeepsValuesWithTheirLines) {
  const auto parsed = toml_from_string("name = 'x'\n\n[a]\nb = 3\nc = [1.5, true]\n", "a.toml");
  ASSERT_TRUE(parsed.ok()) << parsed.status().to_string();
  EXPECT_EQ(parsed->entries.at("name").text, "x");
  const TomlValue& a = parsed->entries.at("a");
  EXPECT_EQ(a.line, 3);
  EXPECT_EQ(a.entries.at("b").kind, Kind::kInteger);
  EXPECT_EQ(a.entries.at("b").integer, 3);
  EXPECT_EQ(a.entries.at("b").number, 3.0);
  EXPECT_EQ(a.entries.at("b").line, 4);
  const TomlValue& c = a.entries.at("c");
  ASSERT_EQ(c.items.size(), 2u);
  EXPECT_EQ(c.items[0].number, 1.5);
  EXPECT_TRUE(c.items[1].flag);
}

TEST(TomlValue, TablesInAListHaveLinesOfTheirOwn) {
  const auto parsed = toml_from_string("[[r]]\nx = 1\n[[r]]\nx = 2\n", "a.toml");
  ASSERT_TRUE(parsed.ok());
  const TomlValue& rows = parsed->entries.at("r");
  ASSERT_EQ(rows.items.size(), 2u);
  EXPECT_EQ(rows.items[1].line, 3);
}

TEST(TomlValue, BrokenTextIsRefusedWithItsLine) {
  EXPECT_TRUE(error_of("a = 1\nb =\n").starts_with("[cluster.file] a.toml:2: "));
  EXPECT_TRUE(error_of("a = 1\na = 2\n").starts_with("[cluster.file] a.toml:2: "));
  EXPECT_TRUE(error_of("a = 1\n\xff").starts_with("[cluster.file] a.toml:"));
  EXPECT_EQ(error_of("a = 1\nd = 2020-01-01\n"),
            "[cluster.file] a.toml:2: dates have no meaning here; leave it out");
}

TEST(TomlValue, HugeAndDeepTextIsRefused) {
  EXPECT_NE(error_of(std::string((4 << 20) + 1, '\n')).find("larger than 4 MiB"),
            std::string::npos);
  EXPECT_NE(error_of("a = " + std::string(100'000, '[')), "");
}

}  // namespace
}  // namespace moai::cluster
