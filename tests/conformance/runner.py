"""Runs groups of cases in child processes, each case with a time limit; survives what they do."""

import json
import os
import queue
import select
import subprocess
import sys
import threading
import time

START_SECONDS = 60  # more for the first case of a child, which imports torch's databases


class ChildGone(Exception):
    pass


class Child:
    """One process; ends with close()."""

    def __init__(self, device, environment, log, module="tests.conformance.child"):
        read, write = os.pipe()
        self._log = open(log, "ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, device, str(write)],
            stdin=subprocess.PIPE, stdout=self._log, stderr=self._log, env=environment,
            pass_fds=(write,))
        os.close(write)
        self._read, self._text = read, b""
        self.fresh = True

    def send(self, ids):
        try:
            self._process.stdin.write((json.dumps({"ids": ids}) + "\n").encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ChildGone(self._ending()) from None

    def line(self, seconds_max):
        """The next answer; None after `seconds_max`. ChildGone when there will be none."""
        deadline = time.monotonic() + seconds_max
        while b"\n" not in self._text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                return None
            read = os.read(self._read, 65536)
            if not read:
                raise ChildGone(self._ending())
            self._text += read
        line, self._text = self._text.split(b"\n", 1)
        return json.loads(line)

    def _ending(self):
        code = self._process.wait(10)
        return f"the process ended with {code}" if code >= 0 else f"killed by signal {-code}"

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        os.close(self._read)
        self._log.close()


class Lane(threading.Thread):
    """Takes groups from a queue and gets each of their cases answered."""

    def __init__(self, todo, report, start_child, case_seconds_max):
        super().__init__(daemon=True)
        self._todo, self._report, self._start_child = todo, report, start_child
        self._case_seconds_max = case_seconds_max
        self._child = None

    def run(self):
        while True:
            try:
                ids = self._todo.get_nowait()
            except queue.Empty:
                break
            while ids:
                ids = self._answered(ids)
        self._end_child()

    def _end_child(self):
        if self._child is not None:
            self._child.close()
            self._child = None

    def _answered(self, ids):
        """Those that are still to be run after a child was lost, or none."""
        if self._child is None:
            self._child = self._start_child()
        running = ids[0]
        left = list(ids)
        try:
            self._child.send(ids)
            while True:
                limit = self._case_seconds_max + START_SECONDS * self._child.fresh
                line = self._child.line(limit)
                if line is None:
                    return self._lost(left, running, "hung", f"no answer for {limit} s")
                self._child.fresh = False
                if "done" in line:
                    return []
                if "start" in line:
                    running = line["start"]
                    continue
                self._report(line)
                left.remove(line["id"])
        except ChildGone as gone:
            if running not in left:  # it said so itself and ended
                self._end_child()
                return left
            return self._lost(left, running, "crashed", str(gone))

    def _lost(self, left, running, kind, message):
        self._end_child()
        self._report({"id": running, "kind": kind, "message": message, "seconds": 0})
        left.remove(running)
        return left


def run(groups, start_child, jobs, report, case_seconds_max=60):
    """Calls `report` with each case's answer, from one thread at a time."""
    todo, lock = queue.Queue(), threading.Lock()
    for ids in groups:
        todo.put(list(ids))

    def report_one_by_one(line):
        with lock:
            report(line)

    lanes = [Lane(todo, report_one_by_one, start_child, case_seconds_max) for _ in range(jobs)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
