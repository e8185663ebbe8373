"""A process that measures when it is told to, so that sides can be interleaved."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
END_S_MAX = 30


class Side:
    """`python -m module --device D --threads N`: a JSON request a line, a JSON answer a line."""

    def __init__(self, module, device, environment, threads):
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "--device", device, "--threads", str(threads)],
            cwd=HERE, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=END_S_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the measuring process ended with {self.process.wait(END_S_MAX)}")
        return json.loads(line)
