"""Installs the CPU build of torch into the Python that runs this file, and checks it.

A CUDA build is never left installed: the device of this project takes the place of CUDA's and
refuses to load beside it.
"""

import subprocess
import sys

VERSION = "2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# Without the device, which says that it is CUDA's.
FACTS = ("import os; os.environ['TORCH_DEVICE_BACKEND_AUTOLOAD'] = '0'; import torch; "
         "print(torch.__version__, torch.version.cuda, torch.version.hip)")


def run(arguments):
    """Runs this Python with `arguments`; returns the completed process, its output kept as text."""
    return subprocess.run([sys.executable, *arguments], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


def installed(run=run):
    """(version, cuda, hip) of the installed torch, None where there is none."""
    result = run(["-c", FACTS])
    return tuple(result.stdout.split()[-3:]) if result.returncode == 0 else None


def is_cpu_build(facts):
    return facts is not None and facts[0].split("+")[0] == VERSION and facts[1:] == ("None", "None")


def attempts():
    """The pip commands to try, best first: the site's index, then PyTorch's own CPU index."""
    install = ["-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    return [install + [f"torch=={VERSION}+cpu"],
            install + [f"torch=={VERSION}", "--index-url", CPU_INDEX]]


def install(run=run, say=print):
    """Returns None when the CPU build is installed, else what to tell the user."""
    if is_cpu_build(installed(run)):
        say("torch: the CPU build is there")
        return None
    outputs = []
    for command in attempts():
        say("pip " + " ".join(command[2:]))
        result = run(command)
        if result.returncode == 0:
            break
        outputs.append(result.stdout)
    else:
        return "\n".join([*outputs, f"no CPU build of torch {VERSION} could be installed: neither "
                          f"the configured index nor {CPU_INDEX} gave one"])
    facts = installed(run)
    if is_cpu_build(facts):
        say(f"torch: {facts[0]} installed")
        return None
    run(["-m", "pip", "uninstall", "-y", "torch"])
    return (f"torch {facts and facts[0]} (cuda {facts and facts[1]}) is not the CPU build of "
            f"{VERSION} and was removed: make the package index offer torch=={VERSION}+cpu")


if __name__ == "__main__":
    problem = install()
    if problem:
        sys.exit(problem)
