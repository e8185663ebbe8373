"""Which plan a job on several devices has: changed in its midst, searched for, kept for the next
run. Whatever it is, the script computes what one device computes."""

import json
import subprocess
import sys
import threading

import pytest
from harness import plugin
from harness.plugin import ROOT

# Batches too small to share: tensor parallel is predicted to be several times faster. Steps count
# from when the file is there that a second argument names.
NARROW = """
import os, sys, torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
wide = 384
layers = (nn.Linear(64, wide), nn.GELU(), nn.Linear(wide, wide), nn.GELU(), nn.Linear(wide, 10))
model = nn.Sequential(*layers).to("cuda", torch.float64)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
batches = torch.Generator().manual_seed(1)
step, left = 0, int(sys.argv[1])
while left > 0:
    x = torch.randn(2, 64, generator=batches, dtype=torch.float64).cuda()
    y = torch.randint(0, 10, (2,), generator=batches).cuda()
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(repr(loss.item()))
    step += 1
    left -= all(os.path.exists(path) for path in sys.argv[2:])
print(repr(model[2].weight.sum().item()), flush=True)
"""

# Ends, or forks, while a search may be at work.
ENDS = NARROW + """
pid = os.fork()
if pid == 0:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
print("forked")
"""

CHANGES = [
    (2, "mlp", "dp=2;4:tp=2;8:zero=3;12:tp=2"),
    (4, "gpt-dropout", "dp=4;3:tp=4;6:dp=2,tp=2,zero=1;10:zero=3;14:tp=2,zero=3"),
    (8, "bert", "dp=8;4:tp=4,dp=2,zero=3;8:tp=8;12:dp=8,zero=2"),
]


def explain(platform):
    done = subprocess.run([plugin.program("moai"), "explain", "--json"], text=True, timeout=60,
                          env=platform.environment(), capture_output=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["plan"]


def run_told(command, environment, until, path):
    """Makes the file `path` when the script's messages have a line with `until`."""
    with subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as script:
        deadline = threading.Timer(120, script.kill)
        deadline.start()
        lines = []

        def listen():
            for line in script.stderr:
                lines.append(line)
                if until in line:
                    path.touch()

        listener = threading.Thread(target=listen)
        listener.start()
        stdout = script.stdout.read()
        listener.join()
        status = script.wait()
        deadline.cancel()
    return subprocess.CompletedProcess(command, status, stdout, "".join(lines))


@pytest.fixture
def run(make_platform, write_script, tmp_path):
    platform = make_platform(devices=4)

    def run_on(source=NARROW, steps=8, flavor="Large.256GB", check=True, until=None, **settings):
        """So many steps; with `until`, after a message with this text."""
        command = [sys.executable, str(write_script(source)), str(steps)]
        environment = platform.environment(MOAI_FLAVOR=flavor, **settings)
        if until:
            told = tmp_path / "told"
            told.unlink(missing_ok=True)
            done = run_told([*command, str(told)], environment, until, told)
        else:
            done = subprocess.run(command, text=True, env=environment, capture_output=True,
                                  timeout=120)
        assert done.returncode == 0 or not check, done.stderr
        return done

    run_on.platform = platform
    return run_on


def numbers(done):
    return [float(line) for line in done.stdout.split()]


@pytest.mark.parametrize(("devices", "case", "plan"), CHANGES)
def test_degrees_change_in_the_midst_of_a_job(devices, case, plan):
    done = subprocess.run([sys.executable, str(ROOT / "bench/parallel.py"), "--json", "--case",
                           case, "--devices", str(devices), "--plan", plan, "--steps", "16"],
                          env=plugin.stock_environment(), text=True, capture_output=True,
                          timeout=300)
    assert done.stdout, done.stderr
    row, = json.loads(done.stdout)["rows"]
    assert row["verdict"] == "ok", row
    assert row["changes"] == plan.count(";"), row


TAKEN = "The job goes on with the plan dp1 tp4 zero0."


def test_a_better_plan_is_found_taken_up_and_kept_for_the_next_run(run):
    first = run(steps=40, until=TAKEN)
    found = explain(run.platform)
    assert found["how"] == "found" and found["changes"] == 1, found
    assert found["plan"] == "dp1 tp4 zero0" == found["prices"][0]["plan"], found
    assert found["predicted_step_s"] < found["prices"][-1]["step_s"], found
    assert 0 < found["measured_step_s"] < 10, found
    assert found["measured_memory_bytes"] == pytest.approx(found["predicted_memory_bytes"], rel=0.1)
    assert found["cluster"] == "cpu-node" and found["whole_windows"] == [], found
    one = run(steps=len(numbers(first)) - 1, flavor="Small.64GB")
    assert numbers(first) == pytest.approx(numbers(one), rel=1e-10)
    again = run(steps=4)
    kept = explain(run.platform)
    assert numbers(again)[:4] == pytest.approx(numbers(one)[:4], rel=1e-10)
    assert (kept["how"], kept["changes"], kept["since_step"]) == ("kept", 1, 0), kept


def test_kept_plans_that_are_damaged_are_searched_anew(run):
    run(steps=1, until=TAKEN)
    plans = list((run.platform.state / "state" / "plans").iterdir())
    assert plans
    for i, plan in enumerate(plans):
        plan.write_bytes([b"", b"\xff\x00garbage", plan.read_bytes()[:-3]][i % 3])
    run(steps=1, until=TAKEN)
    found = explain(run.platform)
    assert (found["how"], found["changes"]) == ("found", 1), found


def test_what_is_searched_for_is_told_and_may_be_forbidden(run):
    last = "No PP, TP : 4, recomputation : 0"
    done = run(steps=1, until=last, MOREH_ENABLE_ADVANCED_PARALLELIZATION="1")
    for line in ("The number of candidates is ", "Elapsed Time to compile all candidates = ",
                 "Configuration for parallelism is selected.", last):
        assert f"[info] {line}" in done.stderr
    quiet = run(steps=60, MOREH_ENABLE_ADVANCED_PARALLELIZATION="1", MOAI_QUIET="1")
    assert quiet.stderr == ""
    run(steps=8, MOAI_PLAN_SEARCH="0")
    assert explain(run.platform)["plan"] == "dp4 tp1 zero0"
    assert explain(run.platform)["why"] == "no search was wanted"


def test_a_description_that_cannot_be_read_is_told_and_the_job_goes_on(run, tmp_path):
    broken = tmp_path / "cluster.toml"
    broken.write_text("name = 3\n")
    run(steps=5, MOAI_CLUSTER=str(broken))
    found = explain(run.platform)
    assert found["plan"] == "dp4 tp1 zero0" and str(broken) in found["why"], found


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_a_script_may_end_or_fork_while_a_plan_is_searched(run, steps):
    done = run(ENDS, steps=steps)
    assert done.stdout.endswith("forked\n") and "Traceback" not in done.stderr


def test_a_search_does_not_keep_a_script_that_lost_a_worker(run):
    script = NARROW.replace("print(repr(loss.item()))", """loss.item()
    if step == 3:
        import signal, subprocess
        found = json.loads(subprocess.run([os.environ["MOAI"], "status", "--json"],
                                          capture_output=True, check=True).stdout)
        os.kill(next(w["pid"] for w in found["workers"] if w.get("rank") == 2), signal.SIGKILL)
""").replace("import os, sys, torch", "import json, os, sys, torch")
    done = run(script, steps=1000, check=False, MOAI=plugin.program("moai"))
    assert done.returncode == 1 and "WorkerLost" in done.stderr, done.stderr
