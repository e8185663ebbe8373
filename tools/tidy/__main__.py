"""`python -m tools.tidy` from the root of the tree: prints every finding, fails on any."""

import pathlib
import sys

from tools.tidy.check import findings
from tools.tidy.tree import Tree

if __name__ == "__main__":
    found = findings(Tree.load(pathlib.Path(__file__).resolve().parents[2]))
    for finding in found:
        print(finding)
    sys.exit(1 if found else 0)
