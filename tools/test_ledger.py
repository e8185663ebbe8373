"""The ledger counts lines of sources and tests by room."""

from tools import ledger
from tools.tidy.tree import Tree

TREE = Tree({"moai/base/a.cc": "1\n2\n", "moai/base/a_test.cc": "1\n2\n3\n",
             "moai/base/README.md": "1\n", "tools/b.py": "1\n", "tests/e2e/test_c.py": "1\n"})


def test_parts_are_rooms_and_top_folders():
    assert ledger.measure(TREE) == {"base": [2, 3], "tools": [1, 0], "tests": [0, 1]}


def test_the_table_is_sorted_and_summed():
    lines = ledger.table(ledger.measure(TREE)).split("\n")
    assert lines[1].split() == ["base", "2", "3", "1.50"]
    assert lines[-1].split() == ["all", "3", "4", "1.33"]


def test_changes_are_signed():
    before = {"base": [5, 3], "gone": [1, 0]}
    lines = ledger.table(ledger.measure(TREE), before).split("\n")
    assert lines[1].split() == ["base", "2", "3", "1.50", "-3"]
    assert any(line.split() == ["gone", "0", "0", "-1"] for line in lines)
