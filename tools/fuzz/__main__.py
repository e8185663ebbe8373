"""`python -m tools.fuzz [NAME...] [--runs N] [--seed N]` from the root of the tree."""

import argparse
import concurrent.futures
import os
import sys

from tools.fuzz import building, coverage, decoder, hunt, report

FOLDER = "build/fuzz"


def folder_of(one):
    return f"{FOLDER}/{one.name}"


def arguments():
    parser = argparse.ArgumentParser(prog="./dev fuzz")
    parser.add_argument("names", nargs="*", metavar="NAME", help="decoders; default: all")
    parser.add_argument("--runs", type=int, default=10_000_000, help="inputs a decoder")
    parser.add_argument("--seed", type=int, default=1, help="of libFuzzer; the same repeats a run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="decoders at a time")
    return parser.parse_args()


def chosen(decoders, names):
    unknown = set(names) - {one.name for one in decoders}
    if unknown:
        sys.exit(f"no decoder {', '.join(sorted(unknown))}; there are: "
                 f"{', '.join(one.name for one in decoders)}")
    return [one for one in decoders if not names or one.name in names]


def fuzz(one, runs, seed):
    found = hunt.run(one, folder_of(one), runs, seed)
    covered, lines = coverage.measure(one, folder_of(one))
    row = report.Row(one.name, found.inputs, found.per_second, covered, lines, found.failure)
    print(f"[fuzz] {one.name}: {row.problem(runs) or 'ok'}", file=sys.stderr, flush=True)
    return row


def main():
    options = arguments()
    decoders = chosen(decoder.find("."), options.names)
    print(f"[fuzz] building {len(decoders)} decoders, twice each", file=sys.stderr, flush=True)
    problems = building.build_all(decoders, folder_of, options.jobs)
    if any(problems):
        sys.exit("\n".join(filter(None, problems)))
    print(f"[fuzz] {options.runs} inputs each, {options.jobs} at a time", file=sys.stderr,
          flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        rows = list(pool.map(lambda one: fuzz(one, options.runs, options.seed), decoders))
    print(report.table(rows, options.runs))
    print(report.closing_line(rows, options.runs))
    return 1 if any(row.problem(options.runs) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
