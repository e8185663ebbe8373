"""Two programs of each decoder: one that hunts under sanitizers, one that counts covered lines."""

import concurrent.futures
import os
import subprocess

CLANG = "clang++-14"
FLAGS = ["-std=c++20", "-g1", "-O1", "-I.", "-fno-omit-frame-pointer"]
HUNT = ["-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]
COVER = ["-fsanitize=fuzzer", "-fprofile-instr-generate", "-fcoverage-mapping", "-O0"]


def command(decoder, folder, kind):
    flags = HUNT if kind == "hunt" else COVER
    return [CLANG, *FLAGS, *flags, decoder.main, *decoder.sources, "-o", f"{folder}/{kind}"]


def build(decoder, folder):
    """Compiles both programs into `folder`; returns what the compiler said on failure."""
    os.makedirs(folder, exist_ok=True)
    for kind in ("hunt", "cover"):
        result = subprocess.run(command(decoder, folder, kind), capture_output=True, text=True)
        if result.returncode:
            return result.stderr
    return None


def build_all(decoders, folder_of, jobs):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda decoder: build(decoder, folder_of(decoder)), decoders))
