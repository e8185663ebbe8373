"""What a run came to: counts by suite, a JSON file, docs/conformance.md."""

import collections
import json
import re

from tests.conformance import baseline
from tests.conformance.case import Case

_PATH = re.compile(r"(unix:)?/[^ ]+")  # of the machine that ran it
CPU_FAILS = "CPU torch fails it too"


class Results:
    """Answers by case; passed ÷ what CPU torch passes is the figure."""

    def __init__(self):
        self.found = {}

    def add(self, line):
        self.found[Case.parse(line["id"])] = line

    def counts(self):
        """{suite: {check: Counter of kinds}}."""
        tables = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
        for case, line in self.found.items():
            tables[case.suite][case.check][line["kind"]] += 1
        return tables

    def closing_lines(self, skipped):
        """One line a suite and one of all. `skipped`: {suite: count}."""
        total = collections.Counter()
        lines = []
        for suite, checks in self.counts().items():
            kinds = sum(checks.values(), collections.Counter())
            passed, failed = kinds["passed"], sum(kinds.values()) - kinds["passed"]
            total.update(passed=passed, failed=failed, skipped=skipped.get(suite, 0),
                         crashed=kinds["crashed"], hung=kinds["hung"])
            lines.append(_closing(suite, passed, failed, skipped.get(suite, 0)))
        lines.append(_closing("all", total["passed"], total["failed"], total["skipped"])
                     + f"; {total['crashed']} crashes, {total['hung']} hangs")
        return lines

    def failures(self):
        return [line for _, line in sorted(self.found.items()) if line["kind"] != "passed"]

    def write_json(self, path, device):
        tables = {suite: {check: dict(kinds) for check, kinds in checks.items()}
                  for suite, checks in self.counts().items()}
        with open(path, "w") as file:
            json.dump({"device": device, "suites": tables, "failures": self.failures()}, file,
                      indent=1)


def _closing(suite, passed, failed, skipped):
    share = 100 * passed / max(passed + failed, 1)
    return f"{suite}: {passed} passed, {failed} failed, {skipped} skipped ({share:.2f} %)"


def _table(results):
    rows = ["| suite | check | passed | of | share |", "|---|---|---|---|---|"]
    for suite, checks in results.counts().items():
        whole = sum(checks.values(), collections.Counter())
        for check, kinds in [*sorted(checks.items()), ("all", whole)]:
            passed, of = kinds["passed"], sum(kinds.values())
            bold = "**" if check == "all" else ""
            rows.append(f"| {bold}{suite}{bold} | {check} | {passed} | {of} | "
                        f"{100 * passed / max(of, 1):.2f} % |")
    return rows


def _failing_entries(results):
    """Entries that fail, with how often and one of the messages."""
    groups = collections.defaultdict(list)
    for line in results.failures():
        case = Case.parse(line["id"])
        groups[case.suite, case.entry].append(line)
    for (suite, entry), lines in sorted(groups.items(), key=lambda item: -len(item[1])):
        checks = sorted({Case.parse(line["id"]).check for line in lines})
        message = _PATH.sub("…", lines[0]["message"]).replace("|", "\\|").replace("<", "&lt;")[:140]
        yield f"| {suite} | {entry} | {len(lines)} | {', '.join(checks)} | {message} |"


def write_document(path, results, skipped, conditions):
    lines = ["# Conformance", "", "Written by `./dev conformance --write-docs`. " + conditions, "",
             "The denominator is what stock CPU torch passes of the same checks "
             "(`tests/conformance/baseline`); what it fails is skipped for that reason "
             f"(*{CPU_FAILS}*), torch's message beside each id.", "", "```",
             *results.closing_lines(skipped), "```", "", *_table(results), "",
             "## What fails", "", "| suite | entry | cases | checks | first message |",
             "|---|---|---|---|---|", *_failing_entries(results)]
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


def skipped_counts(suites, in_shard):
    """How many ids of each suite are skipped because CPU torch fails them."""
    return {suite: sum(1 for text in baseline.failing(suite)
                       if in_shard(suite, Case.parse(text).entry)) for suite in suites}
