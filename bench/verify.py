"""./dev bench verify: how long programs of several devices take to verify.

Records the third training step of a GPT of 24 layers (without a lease and without values), lays it
out under data parallel, tensor parallel and a random plan, and prints milliseconds of the verifier
and its levels beside those of the passes before it.

Exit code 1 when a program is refused.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from harness.plugin import ROOT


def main():
    with tempfile.TemporaryDirectory() as folder:
        recording = pathlib.Path(folder) / "gpt24.txt"
        subprocess.run([sys.executable, ROOT / "tests/golden/windows/record.py", "gpt24"],
                       env=os.environ | {"MOAI_REHEARSAL": str(recording),
                                         "MOAI_REHEARSAL_STEPS": "3"},
                       stdout=subprocess.DEVNULL, check=True, timeout=300)
        program = ROOT / "build/release/bin/compiler_verify"
        return subprocess.run([program, recording], timeout=300).returncode


if __name__ == "__main__":
    sys.exit(main())
