"""The process that runs cases: reads ids from stdin, answers on the descriptor it is given.

    {"ids": ["ops/add/float32/forward", …]}
    → {"start": id}, {"id", "kind", "message", "seconds"}, …, {"done": true}

`kind` is passed, failed, none (the database has nothing to run) or crashed (the device is gone; the
process ends). A process of its own, so that one that dies or hangs takes no other case along.
"""

import json
import os
import sys
import time
import traceback

import torch

from tests.conformance import catalogue
from tests.conformance.case import Case, Unsupported
from tests.conformance.outcome import first_line
from tests.conformance.subject import Subject, synchronize

MESSAGE_MAX = 400
GONE = {"WorkerLost", "JobEnded", "AcceleratorUnavailable", "InvalidToken"}


class Reporter:
    def __init__(self, descriptor):
        self._file = os.fdopen(descriptor, "w", buffering=1)

    def __call__(self, **line):
        self._file.write(json.dumps(line) + "\n")


def run_case(case, subject, entries):
    """(kind, message)."""
    module = catalogue.suite(case.suite)
    if case.suite not in entries:
        entries[case.suite] = module.entries()
    try:
        module.run(case, entries[case.suite][case.entry], subject)
        if subject.device != "cpu":
            synchronize()
    except Unsupported as reason:
        return "none", str(reason)
    except Exception as error:
        if type(error).__name__ in GONE:
            return "crashed", first_line(error)
        if os.environ.get("MOAI_CONFORMANCE_TRACE"):
            traceback.print_exc()
        return "failed", first_line(error)[:MESSAGE_MAX]
    return "passed", ""


def main(device, descriptor):
    report, subject, entries = Reporter(int(descriptor)), Subject(device), {}
    for line in sys.stdin:
        for text in json.loads(line)["ids"]:
            report(start=text)
            began = time.monotonic()
            kind, message = run_case(Case.parse(text), subject, entries)
            report(id=text, kind=kind, message=message,
                   seconds=round(time.monotonic() - began, 3))
            if kind == "crashed":
                return 1
        report(done=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
