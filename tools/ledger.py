"""The size ledger: lines per room, sources and tests, and what changed since a commit.

    .venv/bin/python tools/ledger.py [--since COMMIT]
"""

import argparse
import collections
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.tidy.tree import Tree, is_test, room_of  # noqa: E402

CODE = (".cc", ".h", ".py", ".sh", ".proto")


def part_of(path):
    """The room of a file of moai/, else its first folder; None for what is not counted."""
    if not path.endswith(CODE):
        return None
    return room_of(path) or (path.split("/")[0] if "/" in path else None)


def measure(tree):
    """Part → [source lines, test lines]."""
    counts = collections.defaultdict(lambda: [0, 0])
    for path in tree.paths():
        part = part_of(path)
        if part:
            counts[part][is_test(path)] += tree.line_count(path)
    return dict(counts)


def tree_at(commit):
    """The texts of a commit."""
    def git(*words):
        return subprocess.run(["git", "-c", "safe.directory=*", "-C", str(ROOT), *words],
                              check=True, capture_output=True, text=True).stdout

    names = git("ls-tree", "-r", "--name-only", commit).split("\n")
    return Tree({name: git("show", f"{commit}:{name}") for name in names if part_of(name)})


def signed(number):
    return f"{number:+d}" if number else ""


def table(now, before=None):
    """One line a part, largest first, and the sum."""
    names = sorted(set(now) | set(before or {}), key=lambda name: -sum(now.get(name, [0, 0])))
    rows = [(name, now.get(name, [0, 0]), (before or {}).get(name, [0, 0])) for name in names]
    rows.append(("all", *([sum(row[side][kind] for row in rows) for kind in (0, 1)]
                          for side in (1, 2))))
    lines = [f"{'part':<12}{'sources':>9}{'tests':>9}{'ratio':>7}"
             + (f"{'sources':>10}{'tests':>8}" if before is not None else "")]
    for name, (sources, tests), (old_sources, old_tests) in rows:
        ratio = f"{tests / sources:.2f}" if sources else ""
        change = (f"{signed(sources - old_sources):>10}{signed(tests - old_tests):>8}"
                  if before is not None else "")
        lines.append(f"{name:<12}{sources:>9}{tests:>9}{ratio:>7}{change}".rstrip())
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="./dev ledger")
    parser.add_argument("--since", metavar="COMMIT", help="show what changed since then")
    since = parser.parse_args().since
    print(table(measure(Tree.load(ROOT)), measure(tree_at(since)) if since else None))


if __name__ == "__main__":
    main()
