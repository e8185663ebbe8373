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

# Weights much larger than what crosses between layers.
DEEP = (NARROW.replace("nn.GELU(), nn.Linear(wide, wide), nn.GELU(), nn.Linear(wide, 10)",
                       "*(nn.Sequential(nn.GELU(), nn.Linear(wide, wide)) for _ in range(6)), "
                       "nn.GELU(), nn.Linear(wide, 10)")
        .replace("2, 64", "32, 64").replace("(2,)", "(32,)")
        .replace("model[2].weight", "model[2][1].weight"))

# Of a kind on which stages send least.
SLOW_LINKS = """
name = "slow-links"
nodes = 1
[device]
name = "a few threads"
memory_gib = 4.0
memory_gb_per_s = 8
[device.peak_tflops]
fp64 = 0.03
fp32 = 0.06
tf32 = 0.06
fp16 = 0.006
bf16 = 0.006
[device.fitted]
gemm_efficiency = 0.7
gemm_ramp = 16
elementwise_traffic = 1.5
attention_efficiency = 0.4
launch_us = 8
overlap_slowdown = 1
[node]
devices = 4
latency_us = 20
gb_per_s = 0.05
"""

# Some 36 MiB of activations.
WIDE = """
import os, sys, torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
layers = [nn.Linear(128, 128).to("cuda", torch.float64) for _ in range(8)]
optimizer = torch.optim.SGD([p for layer in layers for p in layer.parameters()], lr=1e-2)
x, y = (torch.randn(1536, 128, dtype=torch.float64) for _ in range(2))
left = int(sys.argv[1])
while left > 0:
    h = x.cuda()
    for layer in layers:
        h = h + F.gelu(layer(h))
    loss = F.mse_loss(h, y.cuda())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    del h
    print(repr(loss.item()))
    left -= all(os.path.exists(path) for path in sys.argv[2:])
"""

# Every fifth step is skipped.
SCALED = (NARROW.replace("step, left", "scaler = torch.amp.GradScaler('cuda', 64.0)\nstep, left", 1)
          .replace("loss.backward()",
                   "scaler.scale(loss * (float('inf') if step % 5 == 4 else 1)).backward()")
          .replace("optimizer.step()", "scaler.step(optimizer)\n    scaler.update()"))

# Batches come to be larger.
GROWS = (NARROW.replace("randn(2, 64", "randn(rows, 64").replace("(2,)", "(rows,)")
         .replace("while left > 0:", "while left > 0:\n    rows = 2 if step < 60 else 12"))

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
    (4, "gpt", "dp=4;4:pp=2,dp=2;7:pp=4,microbatches=4,recompute=full;10:microbatches=2;13:dp=4"),
    (4, "cnn", "dp=2,pp=2;4:microbatches=2,zero=1;8:tp=4,recompute=full;12:pp=2,tp=2,schedule=zb"),
    (4, "llama", "cp=2;5:cp=4,zero=3;9:cp=2,dp=2,zero=1;12:cp=2,tp=2;15:pp=2,cp=2"),
    (8, "bert", "dp=8;4:tp=4,dp=2,zero=3;8:tp=8;12:dp=8,zero=2"),
]


def told(platform, *arguments):
    done = subprocess.run([plugin.program("moai"), *map(str, arguments)], text=True, timeout=120,
                          env=platform.environment(), capture_output=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["plan"]


def explain(platform):
    return told(platform, "explain", "--json")


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

    def run_on(source=NARROW, steps=8, flavor="Large.256GB", check=True, until=None,
               platform=platform, **settings):
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


def test_steps_under_a_gradient_scaler_are_searched_too(run):
    first = run(SCALED, steps=40, until=TAKEN)
    found = explain(run.platform)
    assert found["how"] == "found" and found["plan"] == "dp1 tp4 zero0", found
    one = run(SCALED, steps=len(numbers(first)) - 1, flavor="Small.64GB")
    assert numbers(first) == pytest.approx(numbers(one), rel=1e-10)


def test_a_job_comes_to_have_stages_where_moai_plan_finds_them(run, write_script, tmp_path):
    cluster = tmp_path / "cluster.toml"
    cluster.write_text(SLOW_LINKS)
    first = run(DEEP, steps=6, until="The job goes on with the plan", MOAI_CLUSTER=str(cluster))
    found = explain(run.platform)
    assert found["how"] == "found" and found["changes"] == 1, found
    assert " pp" in found["plan"] and found["whole_windows"] == [], found
    planned = told(run.platform, "plan", "--json", "--python", sys.executable, "--cluster",
                   f"{cluster}:4", write_script(DEEP), 1)
    assert planned["fix"] == found["fix"], found
    one = run(DEEP, steps=len(numbers(first)) - 1, flavor="Small.64GB")
    assert numbers(first) == pytest.approx(numbers(one), rel=1e-10)
    again = run(DEEP, steps=4, MOAI_CLUSTER=str(cluster))
    assert numbers(again)[:4] == pytest.approx(numbers(one)[:4], rel=1e-10)
    assert (explain(run.platform)["how"], explain(run.platform)["since_step"]) == ("kept", 0)


def test_a_batch_that_does_not_fit_runs_in_parts_until_a_better_plan_is_found(run, make_platform):
    """Ranks of two that have the whole batch: the job begins with forward calls made again."""
    small = make_platform(devices=2, MOAI_DEVICE_MEMORY="24MiB")
    small.up()
    del small.settings["MOAI_DEVICE_MEMORY"]  # which a script takes for its own device's
    subprocess.run([plugin.program("moreh-switch-model"), "-M", "2"], check=True, timeout=60,
                   env=small.environment(), capture_output=True)
    taken = "The job goes on with the plan dp1 tp2 zero0 m"
    done = run(WIDE, steps=4, flavor="Medium.128GB", platform=small, until=taken, MOAI_PLAN="tp=2")
    found = explain(small)
    begun = next(p for p in found["prices"] if p["plan"] == "dp1 tp2 zero0 recompute=full")
    assert found["how"] == "found" and found["predicted_step_s"] < begun["step_s"], found
    assert found["measured_memory_bytes"] < found["memory_limit_bytes"], found
    one = run(WIDE, steps=len(numbers(done)), flavor="Small.64GB")
    assert numbers(done) == pytest.approx(numbers(one), rel=1e-10)


def test_steps_that_come_to_have_larger_batches_are_searched_from_what_was_found(run):
    first = run(GROWS, steps=40, until="The search of a plan began with dp1 tp4 zero0")
    found = explain(run.platform)
    assert found["how"] in ("found", "stays") and found["changes"] >= 1, found
    assert "began with dp1 tp4 zero0, found for other sizes" in found["why"], found
    one = run(GROWS, steps=len(numbers(first)) - 1, flavor="Small.64GB")
    assert numbers(first) == pytest.approx(numbers(one), rel=1e-10)


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
