"""Where the host's time of a training step goes, and a trace for Chrome or Perfetto.

    python -m moai.profile [--trace FILE] [--skip STEPS] script.py [argument …]

Runs the script, then prints microseconds a step: what Python and torch themselves took, autograd,
and of ours capture, encoding, sending and waiting. A step ends with an optimizer's step; the first
STEPS (10) are left out. What the courier thread does beside the script stands apart. `capture` and
what it contains cost some 60 ns an operator more while they are measured.
"""

import argparse
import json
import runpy
import statistics
import sys

KINDS = ("autograd", "capture", "encode", "step", "send", "wait")


def self_times(spans):
    """Microseconds by kind, each without what lies inside it. `spans`: of one thread, as (begin,
    end, kind)."""
    totals, open_spans = dict.fromkeys(KINDS, 0.0), []
    for begin, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        while open_spans and open_spans[-1][1] <= begin:
            open_spans.pop()
        if open_spans:
            totals[open_spans[-1][2]] -= end - begin
        totals[kind] += end - begin
        open_spans.append((begin, end, kind))
    return totals


def split(trace, skip=10):
    """Microseconds a step by part; None when there are too few steps."""
    threads = {}
    for event in trace["traceEvents"]:
        span = (event["ts"], event["ts"] + event["dur"], event["cat"])
        threads.setdefault(event["tid"], []).append(span)
    script, borders = max(
        ((tid, sorted(b for b, _, kind in spans if kind == "step"))
         for tid, spans in threads.items()), key=lambda found: len(found[1]), default=(0, []))
    borders = borders[min(skip, max(0, len(borders) - 2)):]
    if len(borders) < 2:
        return None
    return _parts(threads, script, borders)


def _parts(threads, script, borders):
    begin, end, steps = borders[0], borders[-1], len(borders) - 1
    inside = {tid: [s for s in spans if begin <= s[0] and s[1] <= end]
              for tid, spans in threads.items()}
    # Only threads that capture work for the script; the courier sends beside it.
    workers = [tid for tid, spans in inside.items()
               if tid == script or any(s[2] == "capture" for s in spans)]
    totals = dict.fromkeys(KINDS, 0.0)
    for tid in workers:
        for kind, passed in self_times(inside[tid]).items():
            totals[kind] += passed
    # The script's thread sleeps in backward() while autograd's own thread records.
    totals["autograd"] -= sum(sum(self_times(inside[tid]).values())
                              for tid in workers if tid != script)
    beside = sum(e - b for tid, spans in inside.items() if tid not in workers
                 for b, e, kind in spans if kind == "send")
    lengths = [after - before for before, after in zip(borders, borders[1:])]
    python = (end - begin) - sum(totals.values())
    return {"steps": steps, "length": statistics.fmean(lengths),
            "median": statistics.median(lengths), "python": python / steps,
            **{kind: totals[kind] / steps for kind in KINDS}, "beside": beside / steps}


def table(parts):
    """The split as text."""
    if parts is None:
        return "No two steps of an optimizer were seen: nothing to split."
    rows = [("Python and torch", "python"), ("autograd (torch)", "autograd"),
            ("capture", "capture"), ("encode", "encode"), ("step end", "step"), ("send", "send"),
            ("wait", "wait")]
    lines = [f"{parts['steps']} steps of {parts['length']:.1f} us, median {parts['median']:.1f}"]
    lines += [f"  {name:<18}{parts[key]:>10.1f} us  {100 * parts[key] / parts['length']:>5.1f} %"
              for name, key in rows]
    return "\n".join([*lines, f"  {'sent beside it':<18}{parts['beside']:>10.1f} us"])


def watch_autograd(torch, c):
    """Lets backward() be a span."""
    run = torch.autograd.graph._engine_run_backward

    def measured(*arguments, **named):
        begin = c.profile_now()
        try:
            return run(*arguments, **named)
        finally:
            c.profile_autograd(begin)

    torch.autograd.graph._engine_run_backward = measured
    torch.autograd._engine_run_backward = measured


def main():
    parser = argparse.ArgumentParser(prog="python -m moai.profile", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trace", default="moai-trace.json")
    parser.add_argument("--skip", type=int, default=10)
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    import torch
    from moai import _activation, _C

    if not _activation.is_active():
        sys.exit("moai.profile: the device is not active in this process")
    watch_autograd(torch, _C)
    sys.argv = [options.script, *options.arguments]
    _C.profile_start()
    try:
        runpy.run_path(options.script, run_name="__main__")
    finally:
        _C.profile_write(options.trace)
        with open(options.trace) as file:
            trace = json.load(file)
        print(table(split(trace, options.skip)), file=sys.stderr)
        print(f"trace: {options.trace} (chrome://tracing, ui.perfetto.dev)", file=sys.stderr)


if __name__ == "__main__":
    main()
