"""A child for test_runner.py: the id says what happens to the process that runs it."""

import json
import os
import sys
import time


def main(descriptor):
    answers = os.fdopen(int(descriptor), "w", buffering=1)
    for line in sys.stdin:
        for text in json.loads(line)["ids"]:
            print(json.dumps({"start": text}), file=answers)
            kind = "passed"
            if "/dies/" in text:
                os.kill(os.getpid(), 11)
            if "/hangs/" in text:
                time.sleep(600)
            if "/gone/" in text:
                kind = "crashed"
            print(json.dumps({"id": text, "kind": kind, "message": "", "seconds": 0}),
                  file=answers)
            if kind == "crashed":
                return 1
        print(json.dumps({"done": True}), file=answers)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[2]))
