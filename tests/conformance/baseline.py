"""The cases that stock CPU torch passes: the denominator. Committed under baseline/.

SUITE.txt: a line an entry and check with the dtypes that pass; SUITE.failing.tsv: what CPU torch
does not pass, with its message.
"""

import os

from tests.conformance.case import Case

FOLDER = os.path.join(os.path.dirname(__file__), "baseline")


def _path(suite, ending):
    return os.path.join(FOLDER, f"{suite}{ending}")


def passing(suite):
    """Ids, in order."""
    found = []
    with open(_path(suite, ".txt")) as file:
        for line in file:
            entry, check, *dtypes = line.split()
            found += [Case(suite, entry, dtype, check) for dtype in dtypes]
    return found


def failing(suite):
    """{id: torch's message}."""
    with open(_path(suite, ".failing.tsv")) as file:
        return dict(line.rstrip("\n").split("\t", 1) for line in file)


def write(suite, results):
    """`results`: {Case: (kind, message)} of CPU torch."""
    os.makedirs(FOLDER, exist_ok=True)
    lines = {}
    for case, (kind, _) in sorted(results.items()):
        if kind == "passed":
            lines.setdefault((case.entry, case.check), []).append(case.dtype)
    with open(_path(suite, ".txt"), "w") as file:
        for (entry, check), dtypes in lines.items():
            file.write(f"{entry} {check} {' '.join(dtypes)}\n")
    with open(_path(suite, ".failing.tsv"), "w") as file:
        for case, (kind, message) in sorted(results.items()):
            if kind not in ("passed", "none"):
                text = message.replace("\t", " ").replace("\n", " ")[:160]
                file.write(f"{case.id}\t{text}\n")
