"""./dev bench anchors: how far the cost model is from published training steps.

Fits each software profile of bench/anchors/ to its rows and prints the constants, the error of
every row, and the error of every row when the profile is fitted without it.
"""

import subprocess
import sys

from harness.plugin import ROOT


def main():
    program = ROOT / "build/release/bin/cost_anchors"
    return subprocess.run([program, ROOT], timeout=60).returncode


if __name__ == "__main__":
    sys.exit(main())
