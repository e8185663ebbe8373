"""The local platform: starts by itself, is shared, says what it does, ends by itself."""

import subprocess
import sys
import time

from harness import plugin
from harness.private_platform import wait_until
from harness.script import Script

USE = """
import torch
print("sum", torch.ones(4, device="cuda").sum().item())
"""
SHOW = """
import torch
print(torch.cuda.device_count(), torch.cuda.get_device_properties(0).total_memory)
"""
START_LINES = ["Starting a local platform", "Requesting resources for MoAI Accelerator",
               "Initializing the worker daemon for MoAI Accelerator", "[1/1] Connecting",
               "Establishing links", "MoAI Accelerator is ready to use.", "Moreh Version: ",
               "Moreh Job ID: "]


def run(path, private, **settings):
    return subprocess.run([sys.executable, str(path)], env=private.environment(**settings),
                          text=True, capture_output=True, timeout=120)


def test_the_first_use_starts_it_and_says_so_in_order(make_platform, write_script):
    private = make_platform()
    done = run(write_script(USE), private)
    assert (done.returncode, done.stdout) == (0, "sum 4.0\n"), done.stderr
    places = [done.stderr.find(line) for line in START_LINES]
    assert -1 not in places and places == sorted(places), done.stderr
    assert done.stderr.count("Starting a local platform") == 1
    assert {"moai-master", "moai-agent"} <= set(private.processes().values())


def test_a_second_script_finds_it_running(platform, write_script):
    script = write_script(USE)
    run(script, platform)
    done = run(script, platform)
    assert done.stdout == "sum 4.0\n"
    assert "Starting" not in done.stderr


def test_nothing_is_said_when_it_must_be_quiet(make_platform, write_script):
    done = run(write_script(USE), make_platform(), MOAI_QUIET="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "sum 4.0\n", "")


def test_two_scripts_at_once_start_one_platform(make_platform):
    private = make_platform()
    environment = private.environment()
    with Script("train.py", "--pause", 0.05, environment=environment) as one, \
            Script("train.py", "--pause", 0.05, environment=environment) as two:
        one.await_line("step 0 ")
        two.await_line("step 0 ")
        assert len(private.processes("moai-master")) == 1
        assert len(private.processes("moai-worker")) == 2
        assert one.await_end() == 0, one.text()
        assert two.await_end() == 0, two.text()
    assert one.losses() == two.losses()


def test_an_open_script_blocks_nobody_while_devices_are_free(platform, write_script):
    with Script("hold.py", environment=platform.environment()) as holder:
        holder.await_line("^ready ")
        assert run(write_script(USE), platform).stdout == "sum 4.0\n"


def test_devices_are_free_soon_after_a_kill_with_loader_workers_alive(make_platform):
    private = make_platform(devices=1)
    with Script("hold.py", "--workers", 2, environment=private.environment()) as holder:
        holder.await_line("^ready ")
        holder.kill()
        killed = time.monotonic()
        assert wait_until(lambda: not private.processes("moai-worker"), 5)
        assert time.monotonic() - killed <= 1


def test_it_ends_by_itself_when_idle_and_starts_again(make_platform, write_script):
    private = make_platform(idle_exit_s=2)
    script = write_script(USE)
    assert run(script, private).stdout == "sum 4.0\n"
    assert wait_until(lambda: not private.processes(), 20), private.processes()
    assert run(script, private).stdout == "sum 4.0\n"


def test_a_flavor_of_several_devices_is_one_device_with_the_memory_of_all(make_platform,
                                                                          write_script):
    private = make_platform(devices=4)
    private.up()
    one, *others = private.moai("status", "--json")["agents"][0]["devices"]
    subprocess.run([plugin.program("moreh-switch-model"), "-M", "3"], check=True,
                   env=private.environment(), capture_output=True, timeout=60)
    done = run(write_script(SHOW), private)
    assert done.stdout.split() == ["1", str(one["memory_bytes"] * 4)], done.stderr
    assert len(others) == 3
    assert run(write_script(USE), private).stdout == "sum 4.0\n"


def test_a_job_may_be_kept_from_having_all_devices(make_platform, write_script):
    private = make_platform(devices=4, MOAI_LOCAL_JOB_DEVICES="2")
    private.up()
    refused = run(write_script(USE), private, MOAI_FLAVOR="Large.256GB")
    assert refused.returncode == 1
    assert "Large.256GB has 4 devices, more than a job can compute on here" in refused.stderr
    assert 'Choose a smaller flavor: run "moreh-switch-model".' in refused.stderr
