"""Line coverage of a decoder's own files, by its corpus."""

import json
import os
import subprocess


def tool(name):
    return f"{name}-14"


def summary_of(export):
    """(covered, all) lines over the files of an `llvm-cov export -summary-only`."""
    files = export["data"][0]["files"]
    lines = [file["summary"]["lines"] for file in files]
    return sum(line["covered"] for line in lines), sum(line["count"] for line in lines)


def measure(decoder, folder):
    """(covered, all) lines of decoder.covers; the uncovered ones are listed in folder/lines.txt."""
    profile = f"{folder}/raw.profraw"
    corpora = [path for path in (f"{folder}/corpus", decoder.seeds) if os.path.isdir(path)]
    with open(f"{folder}/cover.log", "w") as log:
        subprocess.run([f"{folder}/cover", "-runs=0", "-rss_limit_mb=2048", *corpora], check=True,
                       env={**os.environ, "LLVM_PROFILE_FILE": profile}, stdout=log, stderr=log)
    merged = f"{folder}/merged.profdata"
    subprocess.run([tool("llvm-profdata"), "merge", "-sparse", profile, "-o", merged], check=True)
    place = [f"{folder}/cover", f"-instr-profile={merged}", *decoder.covers]
    export = subprocess.run([tool("llvm-cov"), "export", "-summary-only", *place], check=True,
                            capture_output=True, text=True).stdout
    shown = subprocess.run([tool("llvm-cov"), "show", *place], check=True, capture_output=True,
                           text=True).stdout
    with open(f"{folder}/lines.txt", "w") as out:
        out.write(shown)
    return summary_of(json.loads(export))
