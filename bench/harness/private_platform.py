"""A local platform of its own in a temporary state directory, ended with everything it started."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from harness import plugin

COMMAND_S_MAX = 60
END_S_MAX = 15


class PrivatePlatform:
    """Started by the first script that uses the device in `environment()`, or by `up()`."""

    def __init__(self, threads=None, devices=2, idle_exit_s=600, **settings):
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="moai-"))
        self.settings = {"MOAI_STATE_DIR": str(self.state / "state"),
                         "XDG_STATE_HOME": str(self.state / "xdg"),
                         "MOAI_LOCAL_DEVICES": str(devices),
                         "MOAI_LOCAL_IDLE_EXIT": str(idle_exit_s), **settings}
        if threads:
            self.settings["MOAI_LOCAL_THREADS"] = str(threads)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.down()
        finally:
            self.kill_all()
            shutil.rmtree(self.state, ignore_errors=True)

    def environment(self, **more):
        return plugin.device_environment(**{**self.settings, **more})

    def moai(self, *arguments):
        """Runs `moai …`; its JSON where --json is asked for, else its text."""
        path = plugin.program("moai")
        if path is None:
            raise FileNotFoundError("the program moai is not built; run ./dev setup")
        done = subprocess.run([path, *arguments], env=self.environment(), text=True,
                              capture_output=True, timeout=COMMAND_S_MAX)
        if done.returncode:
            raise RuntimeError(f"moai {' '.join(arguments)}: exit code {done.returncode}: "
                               f"{done.stderr.strip()}")
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    def up(self):
        return self.moai("up", "--json")

    def down(self):
        """Ends agent and master, if any."""
        if not self.file():
            return
        if plugin.program("moai"):
            self.moai("down")
            return
        for name in ("agent", "master"):
            end(self.pid(name))

    def file(self):
        """platform.json of the state directory; {} when no platform was started."""
        try:
            text = (self.state / "state/platform.json").read_text()
        except FileNotFoundError:
            return {}
        return json.loads(text)

    def pid(self, name):
        """Of "master" or "agent"; None when it does not run."""
        process = self.file().get(name, {}).get("pid")
        return process if process in self.processes() else None

    def processes(self, program=None):
        """Living processes with this platform's state directory in their environment, by pid."""
        mark = f"MOAI_STATE_DIR={self.settings['MOAI_STATE_DIR']}".encode()
        found = {}
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            name = _name_if_marked(folder, mark)
            if name and program in (None, name):
                found[int(folder.name)] = name
        return found

    def kill_all(self):
        """What `down` left alive: scripts that were lost, and what died with a test."""
        until = time.monotonic() + END_S_MAX
        while (left := self.processes()) and time.monotonic() < until:
            for pid in left:
                _signal(pid, signal.SIGKILL)
            time.sleep(0.05)


def _name_if_marked(folder, mark):
    try:
        if mark not in (folder / "environ").read_bytes().split(b"\0"):
            return None
        if (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return None
        return os.path.basename(os.readlink(folder / "exe")).removesuffix(" (deleted)")
    except OSError:  # it ended, or belongs to somebody else
        return None


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def is_alive(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def end(pid):
    """SIGTERM, then SIGKILL after half of END_S_MAX."""
    if pid is None:
        return
    _signal(pid, signal.SIGTERM)
    if not wait_until(lambda: not is_alive(pid), END_S_MAX / 2):
        _signal(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), END_S_MAX / 2)


def wait_until(condition, seconds, step_s=0.01):
    """The condition's value when it became true in time, else a false value."""
    until = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < until:
        time.sleep(step_s)
    return value
