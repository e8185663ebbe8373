"""./dev bench mutants: how many mistakes in programs of several devices the verifier sees.

    ./dev bench mutants [COUNT [SEED]]

Makes COUNT (200) programs with one mistake of every class from recorded training steps (MLP, CNN,
GPT, Llama-style; data parallel, tensor parallel and random plans on uneven shapes), runs each on
virtual ranks to learn whether it changes a result, and asks the verifier. The table of
docs/verification.md is what it prints.

Exit code 1 when a mistake that changes a result passes, when a class has fewer than 50 programs and
when a program without a mistake is refused.
"""

import subprocess
import sys

from harness.plugin import ROOT


def main():
    program = ROOT / "build/release/bin/compiler_mutants"
    if not program.exists():
        sys.exit("mutants: compiler_mutants is not built; run ./dev build release compiler_mutants")
    return subprocess.run([program, *sys.argv[1:]], timeout=3600).returncode


if __name__ == "__main__":
    sys.exit(main())
