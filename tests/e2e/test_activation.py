"""What importing torch does, and does not do."""

import os
import subprocess
import sys

from harness import plugin

LOOK = """
import torch
print(torch.cuda.is_available(), torch.cuda.device_count(), torch.ones(2).sum().item())
"""
PROBES = """
import torch
assert torch.cuda.is_available() and torch.cuda.device_count() == 1
torch.cuda.get_device_name(0), torch.cuda.get_device_properties(0), torch.cuda.mem_get_info()
torch.cuda.get_device_capability(), torch.cuda.memory_allocated(), torch.cuda.is_bf16_supported()
torch.cuda.current_device(), torch.cuda.set_device(0), torch.cuda.manual_seed_all(1)
torch.manual_seed(0), torch.cuda.empty_cache(), torch.accelerator.current_accelerator()
torch.cuda.synchronize(), torch.nn.Linear(2, 2)(torch.ones(1, 2))
import time
time.sleep(1)
"""


def test_a_script_finds_the_device_by_itself(run_on_device, write_script):
    done = run_on_device(write_script(LOOK))
    assert (done.returncode, done.stdout.split()) == (0, ["True", "1", "2.0"]), done.stderr


def test_probes_start_nothing_and_write_nothing(make_platform, write_script):
    private = make_platform()
    done = subprocess.Popen([sys.executable, str(write_script(PROBES))],
                            env=private.environment(), stderr=subprocess.PIPE, text=True)
    seen = set()
    while done.poll() is None:
        seen |= set(private.processes())
    assert done.returncode == 0, done.stderr.read()
    assert seen <= {done.pid}
    assert list(private.state.iterdir()) == []


def test_autoload_can_be_turned_off(platform, write_script):
    environment = platform.environment(TORCH_DEVICE_BACKEND_AUTOLOAD="0")
    done = subprocess.run([sys.executable, str(write_script(LOOK))], env=environment, text=True,
                          capture_output=True, timeout=60)
    assert done.stdout.split() == ["False", "0", "2.0"], done.stderr


def test_the_plug_in_can_be_disabled(run_on_device, write_script):
    done = run_on_device(write_script(LOOK), MOAI_DISABLE="1")
    assert done.stdout.split() == ["False", "0", "2.0"], done.stderr


def test_a_broken_plug_in_warns_once_and_torch_works(tmp_path, write_script):
    shadow = tmp_path / "shadow/moai"
    shadow.mkdir(parents=True)
    for name in ("__init__.py", "_activation.py"):
        (shadow / name).write_text((plugin.PACKAGE_FOLDER / "moai" / name).read_text())
    (shadow / "_C.py").write_text("raise ImportError('libbroken.so: cannot open shared object')\n")
    environment = plugin.device_environment()
    path = [str(shadow.parent), environment.get("PYTHONPATH", ""), plugin.metadata_folder()]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    done = subprocess.run([sys.executable, str(write_script(LOOK))], env=environment, text=True,
                          capture_output=True, timeout=60)
    assert (done.returncode, done.stdout.split()) == (0, ["False", "0", "2.0"]), done.stderr
    assert done.stderr.count("MoAI is not active") == 1, done.stderr
    assert "libbroken.so" in done.stderr
