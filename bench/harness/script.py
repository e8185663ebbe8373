"""A user's script in a process of its own, whose lines are kept with the time they came."""

import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import threading
import time

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "tests/scripts"
WAIT_S_MAX = 60


class Script:
    """`python NAME ARGUMENT…` of tests/scripts. Ended, if it still runs, with the `with` block.

    `terminal`: it gets a pseudo terminal for input and output, as its session's controlling one.
    """

    def __init__(self, name, *arguments, environment, terminal=False, prefix=()):
        self.lines = []  # (monotonic seconds, "out" | "err", text)
        self._readers, self.master = [], None
        command = [*prefix, sys.executable, "-u", str(SCRIPTS / name), *map(str, arguments)]
        if terminal:
            self._start_in_terminal(command, environment)
        else:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self._read(self.process.stdout.fileno(), "out")
            self._read(self.process.stderr.fileno(), "err")
        self.pid = self.process.pid

    def _start_in_terminal(self, command, environment):
        self.master, slave = pty.openpty()
        wrapped = [sys.executable, "-c", _TAKE_TERMINAL, *command]
        self.process = subprocess.Popen(wrapped, env=environment, stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True)
        os.close(slave)
        self._read(self.master, "out")

    def _read(self, descriptor, stream):
        reader = threading.Thread(target=self._collect, args=(descriptor, stream), daemon=True)
        reader.start()
        self._readers.append(reader)

    def _collect(self, descriptor, stream):
        rest = b""
        while data := _read_some(descriptor):
            *whole, rest = (rest + data).split(b"\n")
            now = time.monotonic()
            self.lines += [(now, stream, line.decode(errors="replace").rstrip("\r"))
                           for line in whole]
        if rest:
            self.lines.append((time.monotonic(), stream, rest.decode(errors="replace")))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S_MAX)
        self.close_terminal()

    def close_terminal(self):
        """As when a terminal window is closed."""
        if self.master is not None:
            os.close(self.master)
            self.master = None

    def press(self, key):
        os.write(self.master, key)

    def text(self, stream=None):
        return "\n".join(line for _, of, line in list(self.lines) if stream in (None, of))

    def find(self, pattern):
        """(monotonic seconds, match) of the first line with the pattern, if any."""
        for when, _, line in list(self.lines):
            if match := re.search(pattern, line):
                return when, match
        return None

    def await_line(self, pattern, seconds=WAIT_S_MAX):
        """As `find`, waiting for it. Raises when it does not come."""
        until = time.monotonic() + seconds
        while not (found := self.find(pattern)):
            ended = self.process.poll() is not None
            if ended:
                self._drain()
                if found := self.find(pattern):
                    break
            if ended or time.monotonic() > until:
                how = f"ended with {self.process.returncode}" if ended else f"not in {seconds} s"
                raise AssertionError(f"no line {pattern!r} ({how}); it said:\n{self.text()[-900:]}")
            time.sleep(0.005)
        return found

    def await_end(self, seconds=WAIT_S_MAX):
        """Its exit code, all lines read."""
        code = self.process.wait(seconds)
        self._drain()
        return code

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)

    def losses(self):
        """Of tests/scripts/train.py: the exact bits by step."""
        found = (re.match(r"step (\d+) (\S+)", line) for _, _, line in list(self.lines))
        return {int(match[1]): match[2] for match in found if match}

    def _drain(self):
        for reader in self._readers:
            reader.join(2)  # a child of the script may hold its pipe open


def _read_some(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # a terminal whose other side has ended, or was closed by us
        return b""


# The new session's leader takes the terminal on its input, then becomes the script. A shell that
# started the benchmark in the background had it ignore Ctrl+C, which would be inherited.
_TAKE_TERMINAL = ("import fcntl, os, signal, sys, termios; "
                  "fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
                  "signal.signal(signal.SIGINT, signal.SIG_DFL); "
                  "os.execvp(sys.argv[1], sys.argv[1:])")
