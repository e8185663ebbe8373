"""Runs one decoder's hunting program from its seeds and reads what libFuzzer says at the end."""

import dataclasses
import os
import pathlib
import re
import subprocess

INPUT_BYTES_MAX = 4096
_STAT = re.compile(r"^stat::(\w+):\s*(\d+)", re.M)


@dataclasses.dataclass(frozen=True)
class Hunt:
    inputs: int
    per_second: int
    failure: str  # empty: none


def read_stats(text):
    stats = {name: int(value) for name, value in _STAT.findall(text)}
    return stats.get("number_of_executed_units", 0), stats.get("average_exec_per_sec", 0)


def run(decoder, folder, runs, seed):
    """At least `runs` inputs; the corpus grows in folder/corpus, a bad input is kept in folder."""
    corpus = pathlib.Path(folder, "corpus")
    corpus.mkdir(parents=True, exist_ok=True)
    log = pathlib.Path(folder, "hunt.log")
    options = [f"-runs={runs}", f"-seed={seed}", f"-max_len={INPUT_BYTES_MAX}", "-timeout=20",
               "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={folder}/"]
    seeds = [decoder.seeds] if os.path.isdir(decoder.seeds) else []
    with log.open("w") as out:
        status = subprocess.run([f"{folder}/hunt", *options, str(corpus), *seeds], stdout=out,
                                stderr=subprocess.STDOUT).returncode
    text = log.read_text(errors="replace")
    return Hunt(*read_stats(text), failure=f"exit {status}, see {log}" if status else "")
