#include "moai/toolkit/table.h"

#include <gtest/gtest.h>

namespace moai::toolkit {
namespace {

TEST(TableTest, HasATitleOnTheRightAndAHeaderClosedByEqualSigns) {
  const Table table{
      "Current Version: 1", {"Device", "Name"}, {{"* 0", "MoAI Accelerator"}, {"  1", "x"}}};
  EXPECT_EQ(render(table),
            "+-------------------------------+\n"
            "|           Current Version: 1  |\n"
            "+-------------------------------+\n"
            "|  Device  |  Name              |\n"
            "+===============================+\n"
            "|  * 0     |  MoAI Accelerator  |\n"
            "|    1     |  x                 |\n"
            "+-------------------------------+\n");
}

TEST(TableTest, ALongTitleWidensTheLastColumn) {
  EXPECT_EQ(render({"a long title", {"A", "B"}, {{"1", "2"}}}),
            "+----------------+\n"
            "|  a long title  |\n"
            "+----------------+\n"
            "|  A  |  B       |\n"
            "+================+\n"
            "|  1  |  2       |\n"
            "+----------------+\n");
}

TEST(TableTest, CharactersCountAndNotBytes) {
  EXPECT_EQ(render({"", {"Né"}, {{"größe"}}}),
            "+---------+\n"
            "|  Né     |\n"
            "+=========+\n"
            "|  größe  |\n"
            "+---------+\n");
}

TEST(TableTest, ForeignTextCannotBreakTheBox) {
  EXPECT_EQ(one_line("python a.py\n\x1b[2J", 40), "python a.py  [2J");
  EXPECT_EQ(one_line("0123456789", 8), "01234...");
  EXPECT_EQ(one_line("äöüäöüäöü", 8), "äöüäö...");
  EXPECT_EQ(one_line("12345678", 8), "12345678");
}

TEST(TableTest, FiguresHaveTheUnitsOfTheOriginal) {
  EXPECT_EQ(mib(uint64_t{397} << 20), "397 MiB");
  EXPECT_EQ(mib(uint64_t{524160} << 20), "524160 MiB");
  EXPECT_EQ(percent(0), "0 %");
  EXPECT_EQ(percent(0.416), "42 %");
}

TEST(TableTest, DurationsHaveTwoUnitsAtMost) {
  EXPECT_EQ(duration(42), "42 s");
  EXPECT_EQ(duration(180), "3 min");
  EXPECT_EQ(duration(185), "3 min 5 s");
  EXPECT_EQ(duration(7500), "2 h 5 min");
  EXPECT_EQ(duration(4 * 86400 + 3600), "4 d 1 h");
}

}  // namespace
}  // namespace moai::toolkit
