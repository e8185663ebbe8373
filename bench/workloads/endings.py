"""Cases of `lifecycle`. Each gets a platform of its own with two devices and returns what it saw;
an AssertionError says what was wrong."""

import functools
import json
import os
import pathlib
import signal
import subprocess
import time

from harness import plugin
from harness.private_platform import is_alive, wait_until
from harness.script import Script

FREE_S_MAX = 1.0
VANISHED_S_MAX = 5.0
EXCEPTION_S_MAX = 5.0
STEPS = 60
PAUSE_S = 0.05


def check(good, message):
    if not good:
        raise AssertionError(message)


@functools.cache
def expected_losses(steps=STEPS):
    """Of tests/scripts/train.py on stock torch."""
    with Script("train.py", "--device", "cpu", "--steps", steps,
                environment=plugin.stock_environment()) as script:
        check(script.await_end() == 0, script.text())
        return script.losses()


def training(environment, steps=STEPS, **options):
    return Script("train.py", "--steps", steps, "--pause", PAUSE_S, environment=environment,
                  **options)


def check_trained(script, what):
    code = script.await_end()
    check(code == 0, f"{what}: exit code {code}: {script.text('err')[-600:]}")
    check(script.losses() == expected_losses(), f"{what}: other losses than stock torch")


def one_process(platform, name):
    found = list(platform.processes(name))
    check(len(found) == 1, f"{len(found)} processes {name} instead of one")
    return found[0]


def await_free(platform, since, seconds=FREE_S_MAX):
    """Until no Worker runs; seconds after `since`."""
    wait_until(lambda: not platform.processes("moai-worker"), 10 * seconds)
    passed = time.monotonic() - since
    check(not platform.processes("moai-worker"), "the Worker still runs")
    check(passed <= seconds, f"devices free after {passed:.2f} s")
    return f"devices free after {passed:.2f} s"


def exception_after(script, begin, name):
    """Seconds from `begin` to the exception of moai.errors that ends the script."""
    code = script.await_end(20)
    check(code == 1, f"exit code {code}")
    raised = script.find(rf"^moai\.errors\.{name}: ")
    check(raised, f"no {name}: {script.text('err')[-600:]}")
    passed = raised[0] - begin
    check(passed <= EXCEPTION_S_MAX, f"raised after {passed:.1f} s")
    return f"{name} after {passed:.2f} s"


def configured(platform, description):
    """Environment of a new token's user, as at a site."""
    secret = platform.moai("token", "create", "--description", description, "--json")["token"]
    file = platform.file()
    return platform.environment(MOREH_SDA_MANAGER_ADDRESS=file["address"],
                                MOREH_SDA_TOKEN=secret, MOREH_SDA_CA=file["ca_path"])


def start_again(platform, argv):
    """A daemon with the arguments it had, at the address it had, and the default grace of a site:
    the local platform's first master has none, because nothing restarts it with its arguments."""
    argv[argv.index("--listen") + 1] = platform.file()["address"]
    at = argv.index("--restart-grace")
    del argv[at:at + 2]
    with open(platform.state / "master-again.log", "w") as log:
        return subprocess.Popen(argv, env=platform.environment(), stdin=subprocess.DEVNULL,
                                stdout=log, stderr=log, start_new_session=True)


def master_killed(platform):
    """At a site: the job runs on, its session goes on with the restarted master."""
    platform.up()
    with training(configured(platform, "site")) as script:
        script.await_line("step 5 ")
        pid = one_process(platform, "moai-master")
        argv = pathlib.Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), 5)
        script.await_line("step 20 ")  # it trains on alone
        master = start_again(platform, argv)
        try:
            check_trained(script, "training")
            check(master.poll() is None, "the restarted master has ended")
            return f"same losses; {await_free(platform, time.monotonic(), 5)}"
        finally:
            master.kill()
            master.wait()


def local_master_killed(platform):
    """Nobody restarts it by hand: who needs it does."""
    with training(platform.environment()) as script:
        script.await_line("step 5 ")
        os.kill(one_process(platform, "moai-master"), signal.SIGKILL)
        check_trained(script, "training")
    with Script("first_result.py", environment=platform.environment()) as following:
        following.await_line("result")
    masters = len(platform.processes("moai-master"))
    check(masters == 1, f"{masters} masters run")
    return "same losses; the next script finds a platform"


def second_script_waits(platform):
    expected_losses()  # not while the two are timed
    platform.up()
    environment = configured(platform, "shared")
    with training(environment) as first:
        first.await_line("step 0 ")
        with training(environment) as second:
            second.await_line("already in use by another process")
            second.await_line(rf"\(pid: {first.pid}\) .*train\.py")
            check_trained(first, "first script")
            check_trained(second, "second script")
            went_on = second.find("step 0 ")[0] - first.find("end ")[0]
    check(went_on >= 0, "the second did not wait for the first")
    return f"message names pid and command; went on {went_on:.2f} s after the first ended"


def started_by_the_holder(platform):
    """On a shared accelerator; its ancestor waits for it with the device in use."""
    platform.up()
    environment = configured(platform, "shared")
    with Script("spawn.py", environment=environment) as script:
        check(script.await_end() == 0, script.text())
        raised = script.find(r"child (\d+\.\d+) s: moai\.errors\.AcceleratorUnavailable: ")
        check(raised, script.text())
        check(script.find(rf"\(pid: {script.pid}\) .*spawn\.py"), script.text())
        check(script.find("parent after 6"), "the parent did not go on")
    check(float(raised[1][1]) <= EXCEPTION_S_MAX, f"raised after {raised[1][1]} s")
    return f"AcceleratorUnavailable {raised[1][1]} s after its first operator, the parent goes on"


def two_tokens(platform):
    platform.up()
    with training(configured(platform, "one")) as one, \
            training(configured(platform, "two")) as two:
        one.await_line("step 0 ")
        two.await_line("step 0 ")
        workers = len(platform.processes("moai-worker"))
        check_trained(one, "first token")
        check_trained(two, "second token")
    check(workers == 2, f"{workers} Workers ran")
    overlap = (two.find("step 0 ")[0] < one.find("end ")[0] and
               one.find("step 0 ")[0] < two.find("end ")[0])
    check(overlap, "one waited for the other")
    return "side by side on two Workers, both with the losses of stock torch"


def worker_killed(platform):
    with training(platform.environment(), 100_000) as script:
        script.await_line("step 5 ")
        os.kill(one_process(platform, "moai-worker"), signal.SIGKILL)
        raised = exception_after(script, time.monotonic(), "WorkerLost")
    free = await_free(platform, time.monotonic())
    with Script("first_result.py", environment=platform.environment()) as following:
        following.await_line("result")
    return f"{raised}; {free}"


def job_reset(platform):
    platform.up()
    environment = configured(platform, "reset")
    with training(environment, 100_000) as script:
        script.await_line("step 5 ")
        begin = time.monotonic()
        done = subprocess.run([plugin.program("moreh-smi"), "--reset"], env=environment, text=True,
                              capture_output=True, timeout=60)
        check(done.returncode == 0, f"moreh-smi --reset: {done.stderr}")
        raised = exception_after(script, begin, "JobEnded")
    return f"{raised}; {await_free(platform, time.monotonic())}"


def platform_stopped(platform):
    with training(platform.environment(), 100_000) as script:
        script.await_line("step 5 ")
        begin = time.monotonic()
        platform.moai("down")
        raised = exception_after(script, begin, "JobEnded")
        check(script.find('stopped by "moai down"'), script.text("err")[-600:])
    check(not platform.processes("moai-worker"), "a Worker still runs")
    with Script("hold.py", environment=platform.environment()) as following:
        following.await_line("^ready ")
        done = subprocess.run([plugin.program("moreh-smi"), "--json"], text=True, timeout=60,
                              env=platform.environment(), stdout=subprocess.PIPE, check=True)
    devices = json.loads(done.stdout)["devices"]
    check(len(devices) == 1, "the next script is on a second accelerator")
    return f"{raised}; the next script starts another platform, on its first accelerator"


def refused_version(platform):
    platform.up()
    begin = time.monotonic()
    with Script("outdated.py", environment=configured(platform, "old")) as script:
        raised = exception_after(script, begin + 60, "AcceleratorUnavailable")
        check(script.find(r"The current version of MoAI \(0\.0\.9\) is outdated and no longer "
                          r"supported by the server .*update-moreh"), script.text())
    check(raised, "")
    return "refused with the words of the original"


def ctrl_c(platform):
    with training(platform.environment(), 100_000, terminal=True) as script:
        script.await_line("step 3 ")
        script.press(b"\x03")
        free = await_free(platform, time.monotonic())
        code = script.await_end(10)
        check("KeyboardInterrupt" in script.text(), "no KeyboardInterrupt")
        check(code in (-signal.SIGINT, 130, 1), f"exit code {code}")
        return f"KeyboardInterrupt, exit code {code}; {free}"


def ctrl_c_in_the_queue(platform):
    platform.up()
    environment = configured(platform, "shared")
    with Script("hold.py", environment=environment) as holder:
        holder.await_line("^ready ")
        with Script("first_result.py", environment=environment, terminal=True) as waiting:
            waiting.await_line("already in use by another process")
            waiting.press(b"\x03")
            pressed = time.monotonic()
            waiting.await_end(10)
            passed = time.monotonic() - pressed
            check("KeyboardInterrupt" in waiting.text(), "no KeyboardInterrupt")
    check(passed <= 2, f"it ended {passed:.2f} s after the key")
    return f"KeyboardInterrupt, ended {passed:.2f} s after the key"


def closed_terminal(platform):
    with training(platform.environment(), 100_000, terminal=True) as script:
        script.await_line("step 3 ")
        script.close_terminal()
        free = await_free(platform, time.monotonic())
        script.await_end(10)
        return free


def nohup(platform):
    out = platform.state / "nohup.txt"
    prefix = ("sh", "-c", f'nohup "$@" >{out} 2>&1', "sh")
    with training(platform.environment(), terminal=True, prefix=prefix) as script:
        check(wait_until(lambda: out.exists() and "step 3 " in out.read_text(), 60), "no step 3")
        script.close_terminal()
        check(wait_until(lambda: "\nend " in out.read_text(), 60), "it did not go on")
    return "trained to its end after the terminal was closed"


def fork_and_use(platform):
    with Script("fork.py", environment=platform.environment()) as script:
        check(script.await_end() == 0, script.text())
        check(script.find("child: Cannot re-initialize CUDA in forked subprocess"), script.text())
        check(script.find("parent after 6"), "the parent did not go on")
    return "CUDA's message in the child, the parent goes on"


def execve(platform):
    with Script("replace.py", environment=platform.environment()) as script:
        script.await_line("before 3")
        check(script.await_end() == 0, script.text())
        check(script.find("result"), script.text())
        return f"the next program got a lease of its own; {await_free(platform, time.monotonic())}"


def holder_killed(platform):
    with training(platform.environment()) as script:
        script.await_line("step 5 ")
        holder = one_process(platform, "moai-session")
        os.kill(holder, signal.SIGKILL)
        check(wait_until(lambda: platform.processes("moai-session"), 5), "no holder again")
        check_trained(script, "training")
    return "another holder, same losses"


def killed_with_workers(platform):
    with Script("hold.py", "--workers", 2, environment=platform.environment()) as script:
        script.await_line("^ready ")
        script.kill()
        return await_free(platform, time.monotonic())


def front_vanishes(platform):
    with Script("hold.py", environment=platform.environment()) as script:
        script.await_line("^ready ")
        stopped = [script.pid, one_process(platform, "moai-session")]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        return await_free(platform, time.monotonic(), VANISHED_S_MAX)


CASES = {"SDAManager killed and restarted": master_killed,
         "local SDAManager killed": local_master_killed,
         "second script waits for the first": second_script_waits,
         "started by the process that has the device": started_by_the_holder,
         "two tokens side by side": two_tokens,
         "Worker killed mid-training": worker_killed,
         "job reset by moreh-smi": job_reset,
         "moai down under a running job": platform_stopped,
         "version refused": refused_version,
         "Ctrl+C in a terminal": ctrl_c,
         "Ctrl+C in the queue": ctrl_c_in_the_queue,
         "terminal closed": closed_terminal,
         "nohup, terminal closed": nohup,
         "fork and device use": fork_and_use,
         "execve": execve,
         "holder killed": holder_killed,
         "killed with DataLoader workers": killed_with_workers,
         "front's machine vanishes": front_vanishes}
