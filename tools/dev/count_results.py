"""Adds up the result files of one test run and prints the closing line of counts.

A folder holds `cpp/*.xml` (one a GoogleTest program), `ctest.xml` (one entry a program) and the
files of pytest. A program that ends without writing its file counts as one failure.
"""

import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def count_file(path):
    """Counts per outcome of one JUnit file."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        counts[outcome(case)] += 1
    return counts


def crashed_programs(ctest_file, case_counts):
    """How many programs failed for ctest though no case of theirs did."""
    failed = sum(outcome(case) == "failed"
                 for case in ElementTree.parse(ctest_file).getroot().iter("testcase"))
    explained = sum(counts["failed"] > 0 for counts in case_counts)
    return max(0, failed - explained)


def count_folder(folder):
    folder = pathlib.Path(folder)
    programs = [count_file(path) for path in sorted(folder.glob("cpp/*.xml"))]
    others = [count_file(path) for path in sorted(folder.glob("*.xml")) if path.name != "ctest.xml"]
    total = {name: sum(counts[name] for counts in [*programs, *others])
             for name in ("passed", "failed", "skipped")}
    if (folder / "ctest.xml").exists():
        total["failed"] += crashed_programs(folder / "ctest.xml", programs)
    return total


def closing_line(total):
    return f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped"


if __name__ == "__main__":
    counted = collections.Counter()
    for argument in sys.argv[1:]:
        counted.update(count_folder(argument))
    print(closing_line(counted))
    sys.exit(1 if counted["failed"] or not counted["passed"] else 0)
