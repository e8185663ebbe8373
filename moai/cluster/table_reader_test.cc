#include "moai/cluster/table_reader.h"

#include <gtest/gtest.h>

#include <functional>

namespace moai::cluster {
namespace {

// The first error of reading `text` so, without what is the same in all of them.
std::string error_of(std::string_view text, const std::function<void(TableReader&)>& read) {
  const auto value = toml_from_string(text, "a.toml");
  EXPECT_TRUE(value.ok()) << value.status().to_string();
  FileErrors errors("a.toml");
  TableReader reader(*value, &errors);
  read(reader);
  reader.finish();
  constexpr std::string_view kPrefix = "[cluster.file] a.toml:";
  const std::string message = errors.first().message();
  if (message.empty()) return message;
  EXPECT_TRUE(message.starts_with(kPrefix)) << message;
  return message.substr(kPrefix.size());
}

TEST(TableReader, GivesWhatIsThereAndWhatIsNot) {
  double number = 0, absent = 0;
  int integer = 0;
  bool flag = false;
  size_t choice = 0;
  const auto read = [&](TableReader& r) {
    number = r.number("n", {0, 10});
    absent = r.number_or("other", 7, {0, 10});
    integer = r.integer("i", {1, 5});
    flag = r.flag_or("f", false);
    choice = r.choice("c", {"one", "two"});
    EXPECT_EQ(r.text("c"), "two");
    EXPECT_TRUE(r.tables("rows").empty());
  };
  EXPECT_EQ(error_of("n = 2\ni = 5\nf = true\nc = 'two'\n", read), "");
  EXPECT_EQ(number, 2);
  EXPECT_EQ(absent, 7);
  EXPECT_EQ(integer, 5);
  EXPECT_TRUE(flag);
  EXPECT_EQ(choice, 1u);
}

TEST(TableReader, AnUnknownKeyNamesTheNearest) {
  const auto read = [](TableReader& r) {
    r.number_or("memory_gib", 1, {0, 9});
    r.number_or("latency_us", 1, {0, 9});
  };
  EXPECT_EQ(error_of("memory_gib = 2\nlatency_ms = 1\n", read),
            "2: no key 'latency_ms' here; the nearest is 'latency_us'");
  EXPECT_EQ(error_of("x = 1\n", [](TableReader&) {}), "1: no key 'x' here");
}

TEST(TableReader, ValuesKeepToTheirRange) {
  const auto number = [](TableReader& r) { EXPECT_EQ(r.number("x", {1, 4}), 1); };
  EXPECT_EQ(error_of("\nx = 5\n", number), "2: 'x' is 5; it goes from 1 to 4");
  EXPECT_EQ(error_of("x = nan\n", number), "1: 'x' is nan; it goes from 1 to 4");
  EXPECT_EQ(error_of("x = -inf\n", number), "1: 'x' is -inf; it goes from 1 to 4");
  const auto integer = [](TableReader& r) { EXPECT_EQ(r.integer("x", {1, 4}), 1); };
  EXPECT_EQ(error_of("x = 9223372036854775807\n", integer),
            "1: 'x' is 9223372036854775808; it goes from 1 to 4");
}

TEST(TableReader, ValuesHaveTheirKind) {
  EXPECT_EQ(error_of("x = 'a'\n", [](TableReader& r) { r.number("x", {0, 1}); }),
            "1: 'x' must be a number");
  EXPECT_EQ(error_of("x = 1.5\n", [](TableReader& r) { r.integer("x", {0, 9}); }),
            "1: 'x' must be a whole number");
  EXPECT_EQ(error_of("x = ''\n", [](TableReader& r) { r.text("x"); }), "1: 'x' is empty");
  EXPECT_EQ(error_of("x = 1\n", [](TableReader& r) { r.flag_or("x", true); }),
            "1: 'x' must be true or false");
  EXPECT_EQ(error_of("x = [1]\n", [](TableReader& r) { r.tables("x"); }),
            "1: 'x' must be a list of tables, each under [[…]]");
  EXPECT_EQ(error_of("x = 'tow'\n", [](TableReader& r) { r.choice("x", {"one", "two"}); }),
            "1: 'x' has no 'tow'; the nearest is 'two'");
  EXPECT_EQ(error_of("\n", [](TableReader& r) { r.table("x"); }),
            "1: 'x' is missing; it is a table");
}

TEST(TableReader, TheFirstErrorStays) {
  const auto read = [](TableReader& r) {
    r.number("a", {0, 1});
    r.number("b", {0, 1});
  };
  EXPECT_EQ(error_of("a = 2\nb = 3\nc = 4\n", read), "1: 'a' is 2; it goes from 0 to 1");
}

}  // namespace
}  // namespace moai::cluster
