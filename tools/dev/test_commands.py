"""The dispatcher and the shell parts, against programs that only pretend."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "tools/dev").glob("*.sh"))


def dev(*words):
    return subprocess.run([str(ROOT / "dev"), *words], capture_output=True, text=True, timeout=60)


def test_help_names_every_command():
    text = dev("--help").stdout
    commands = {path.stem for path in SCRIPTS} - {"jobs", "sanitize", "stage", "system_packages"}
    assert commands == {line.split()[0] for line in text.split("examples:")[0].splitlines()
                        if line.startswith("  ") and not line.startswith("   ")}


def test_an_unknown_command_is_refused():
    result = dev("bild")
    assert result.returncode == 2 and "no command 'bild'" in result.stderr


@pytest.mark.parametrize("words, message", [
    (("run",), "run which file?"), (("run", "absent.py"), "no file 'absent.py'"),
    (("bench", "absent"), "no benchmark 'absent'"), (("build", "fast"), "no preset 'fast'"),
    (("test", "--fast"), "no option '--fast'")])
def test_wrong_arguments_are_named(words, message):
    result = dev(*words)
    assert result.returncode == 1 and message in result.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse(script):
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.fixture
def install(tmp_path):
    """Runs system_packages for a list of two, one of which is there; returns the process."""
    programs = tmp_path / "bin"
    programs.mkdir()
    packages = tmp_path / "packages.txt"
    packages.write_text("# a comment\nalready\nabsent\n")

    def program(name, body):
        (programs / name).write_text(f"#!/bin/bash\n{body}\n")
        (programs / name).chmod(0o755)

    def run(user, sudo=False):
        program("dpkg-query", '[[ $4 == already ]] && echo "install ok installed"')
        program("id", f"echo {user}")
        program("apt-get", f'echo "apt-get $*" >> {tmp_path}/calls')
        if sudo:
            program("sudo", f'echo sudo >> {tmp_path}/calls; exec "$@"')
        for name in ("bash", "env", "grep", "cat", "dirname"):
            os.symlink(f"/usr/bin/{name}", programs / name)
        script = (f"source {ROOT}/tools/dev/stage.sh; source {ROOT}/tools/dev/system_packages.sh; "
                  f"system_packages {packages}")
        result = subprocess.run(["bash", "-c", script], env={"PATH": str(programs)}, text=True,
                                capture_output=True)
        calls = tmp_path / "calls"
        return result, calls.read_text().split("\n") if calls.exists() else []

    return run


def test_root_installs_what_is_missing(install):
    result, calls = install(user=0)
    assert result.returncode == 0, result.stderr
    assert calls[:2] == ["apt-get update -q",
                         "apt-get install -y -q --no-install-recommends absent"]


def test_a_user_installs_with_sudo(install):
    result, calls = install(user=1000, sudo=True)
    assert result.returncode == 0 and calls[0] == "sudo"


def test_a_user_without_sudo_is_told_the_command(install):
    result, calls = install(user=1000)
    assert result.returncode == 1 and not calls
    assert "apt-get install --no-install-recommends absent" in result.stderr
