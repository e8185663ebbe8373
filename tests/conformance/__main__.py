"""Conformance of the device to CPU torch.

    ./dev conformance                                   everything, about an hour on two cores
    ./dev conformance --suite ops --entry 'nn.functional.*'
    ./dev conformance --shard 2/8 --resume              goes on where the last run of it stopped
    ./dev conformance --baseline                        what stock CPU torch passes, anew

Each case runs in a child process with a time limit of its own. The report is
build/conformance/report.json; exit code 1 when a case fails, crashes or hangs.
"""

import argparse
import fnmatch
import json
import os
import sys
import time

from tests.conformance import baseline, catalogue, report, runner
from tests.conformance.case import Case

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./dev conformance", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", action="append", choices=list(catalogue.SUITES))
    parser.add_argument("--entry", default="*", help="only entries whose name matches")
    parser.add_argument("--check", default="*", help="only checks whose name matches")
    parser.add_argument("--every", type=int, default=1, help="only every Nth entry")
    parser.add_argument("--shard", default="1/1", help="I/N: one of N parts of the entries")
    parser.add_argument("--resume", action="store_true", help="keep the answers there are")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--device", default="cuda", choices=("cuda", "moai"),
                        help="what torch shall call the device")
    parser.add_argument("--baseline", action="store_true",
                        help="run stock CPU torch and write tests/conformance/baseline")
    parser.add_argument("--write-docs", action="store_true", help="write docs/conformance.md")
    parser.add_argument("--out", default=os.path.join(ROOT, "build", "conformance"))
    arguments = parser.parse_args()
    index, count = (int(part) for part in arguments.shard.split("/"))
    if not 1 <= index <= count:
        parser.error(f"--shard {arguments.shard}: I is from 1 to N")
    arguments.shard = (index, count)
    arguments.suite = arguments.suite or list(catalogue.SUITES)
    return arguments


def chosen(arguments):
    """{(suite, entry): [Case, …]}."""
    if arguments.baseline:
        groups = catalogue.groups(arguments.suite, arguments.shard)
    else:
        groups = {}
        for suite in arguments.suite:
            for case in baseline.passing(suite):
                if catalogue.in_shard(suite, case.entry, arguments.shard):
                    groups.setdefault((suite, case.entry), []).append(case)
    names = [key for key in groups if fnmatch.fnmatch(key[1], arguments.entry)]
    found = {}
    for key in names[::arguments.every]:
        cases = [c for c in groups[key] if fnmatch.fnmatch(c.check, arguments.check)]
        if cases:
            found[key] = cases
    return found


class Journal:
    """Answers on disk as they come; what was answered before is not run again."""

    def __init__(self, path, resume):
        self.results = report.Results()
        if resume and os.path.exists(path):
            with open(path) as file:
                for line in file:
                    if line.endswith("\n"):  # the last one may be torn
                        self.results.add(json.loads(line))
        self._file = open(path, "a" if resume else "w", buffering=1)

    def add(self, line):
        self.results.add(line)
        self._file.write(json.dumps(line) + "\n")


class Progress:
    def __init__(self, total):
        self._total, self._done, self._bad = total, 0, 0
        self._began = self._told = time.monotonic()
        self._every = 2 if sys.stderr.isatty() else 30

    def add(self, line):
        self._done += 1
        self._bad += line["kind"] not in ("passed", "none")
        now = time.monotonic()
        if now - self._told >= self._every or self._done == self._total:
            self._told = now
            left = (now - self._began) / self._done * (self._total - self._done)
            print(f"[conformance] {self._done} of {self._total}, {self._bad} not passed, "
                  f"{left / 60:.1f} min left", file=sys.stderr, flush=True)


def run(arguments, groups):
    device = "cpu" if arguments.baseline else arguments.device
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(
        filter(None, [ROOT, os.environ.get("PYTHONPATH")])), MOAI_QUIET="1",
        OMP_NUM_THREADS="1", MOAI_LOCAL_THREADS="1")  # sums split alike on both sides
    environment.pop("TORCH_DEVICE_BACKEND_AUTOLOAD", None)
    if device == "cpu":
        environment["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
    else:
        environment["MOAI_DEVICE"] = device
    os.makedirs(arguments.out, exist_ok=True)
    name = "-".join([device, *map(str, arguments.shard)])
    journal = Journal(os.path.join(arguments.out, f"{name}.jsonl"), arguments.resume)
    todo = [[case.id for case in cases if case not in journal.results.found]
            for cases in groups.values()]
    todo = sorted(filter(None, todo), key=len, reverse=True)
    progress = Progress(sum(map(len, todo)))

    def add(line):
        journal.add(line)
        progress.add(line)

    log = os.path.join(arguments.out, f"{name}.log")
    runner.run(todo, lambda: runner.Child(device, environment, log), arguments.jobs, add)
    return journal.results


def main():
    arguments = parse_arguments()
    groups = chosen(arguments)
    results = run(arguments, groups)
    wanted = {case for cases in groups.values() for case in cases}
    results.found = {case: line for case, line in results.found.items() if case in wanted}
    if arguments.baseline:
        for suite in arguments.suite:
            baseline.write(suite, {case: (line["kind"], line["message"])
                                   for case, line in results.found.items()
                                   if case.suite == suite})
        return 0
    skipped = report.skipped_counts(
        arguments.suite, lambda suite, entry: catalogue.in_shard(suite, entry, arguments.shard)
        and fnmatch.fnmatch(entry, arguments.entry))
    results.write_json(os.path.join(arguments.out, "report.json"), arguments.device)
    if arguments.write_docs:
        spent = sum(line["seconds"] for line in results.found.values())
        conditions = f"Its cases took {spent / 60:.0f} minutes of one process each."
        report.write_document(os.path.join(ROOT, "docs", "conformance.md"), results, skipped,
                              conditions)
    print("\n".join(results.closing_lines(skipped)))
    return 1 if results.failures() else 0


if __name__ == "__main__":
    sys.exit(main())
