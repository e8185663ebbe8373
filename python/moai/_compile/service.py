"""The compile service: turns requests in a folder into packages (docs/formats/compiled.md).

    python -m moai._compile.service FOLDER [--idle SECONDS] [--cache-bytes N]

One a folder: a second one ends at once. It ends when nothing was asked for some seconds; whoever
writes requests starts it. It compiles one request at a time, on one thread, when nothing else wants
the processor.
"""

import argparse
import fcntl
import os
import pathlib
import shutil
import sys
import time
import zipfile

LOOK_S = 0.2
SUFFIXES = REQUEST, PACKAGE, FAILED = ".request", ".package", ".failed"
# Begins the reasons that lie in this machine, not in the window: the next job asks again.
HERE = "here: "


class NotHere(Exception):
    """What this machine lacks to compile."""


class Request:
    """A request's fields; INVALID text raises ValueError."""

    def __init__(self, text):
        head, _, rest = text.partition("\n")
        if head != "moai-compile-request 1":
            raise ValueError(f"not a request: {head[:80]}")
        fields = {}
        while rest and not rest.startswith("template "):
            line, _, rest = rest.partition("\n")
            key, _, fields[key] = line.partition(" ")
        self.torch, self.template = fields["torch"], rest
        self.threads = int(fields["threads"])
        self.storage_bytes = {int(slot): int(size) for slot, size in
                              (pair.split(":") for pair in fields["bytes"].split())}
        self.live = {int(slot) for slot in fields["live"].split()}
        self.words = [None if word == "-" else int(word, 16) for word in fields["words"].split()]


def layout_of(window):
    """How a package is called: a line for each input, parameter and output, in order."""
    from moai._compile.graph import DTYPES

    names = {dtype: name for name, dtype in DTYPES.items()}
    sizes = {slot: value.numel() for slot, value in zip(window.outputs, window.results)}
    dtypes = {slot: value.dtype for slot, value in zip(window.outputs, window.results)}
    lines = [f"input {slot} {names[dtype]}[{count}]"
             for slot, (dtype, count) in window.inputs.items()]
    lines += [f"parameter {at} {names[dtype]}[]" for at, dtype in window.parameters.items()]
    lines += [f"output {slot} {names[dtypes[slot]]}[{sizes[slot]}]" for slot in window.outputs]
    return "".join(line + "\n" for line in lines)


def check_torch(torch, wanted):
    found = torch.__version__.split("+")[0]
    if found != wanted.split("+")[0]:
        raise NotHere(f"the compile service has torch {found}, the Worker {wanted}; name an "
                      "interpreter with the Worker's version: moai-agent --compile-python")


def compile_request(request, package):
    """Writes the package's folder."""
    import torch
    from torch._inductor import aoti_compile_and_package
    from torch._inductor.exc import InvalidCxxCompiler

    from moai._compile.graph import Window

    check_torch(torch, request.torch)
    window = Window(request.template, request.storage_bytes, request.live)
    storages, parameters = window.examples()
    constants = window.constants_of(request.words)
    graph = window.trace(storages, parameters, constants)
    window.results = next(node for node in graph.graph.nodes if node.op == "output")
    window.results = [node.meta["val"] for node in window.results.args[0]]
    with torch.no_grad():
        program = torch.export.export(graph, (*storages, *parameters))
    file = package.with_suffix(".pt2")
    try:
        aoti_compile_and_package(program, package_path=str(file), inductor_configs={
            "aot_inductor.metadata": {"moai": layout_of(window)},
            "cpp.threads": request.threads, "compile_threads": 1})
    except InvalidCxxCompiler as error:
        raise NotHere("torch finds no C++ compiler: apt-get install g++, or name one in CXX "
                      f"({error})") from None
    with zipfile.ZipFile(file) as archive:
        archive.extractall(package)
    file.unlink()


class Folder:
    """Requests, packages and failures by key."""

    def __init__(self, path, cache_bytes):
        self.path, self.cache_bytes = pathlib.Path(path), cache_bytes

    def requests(self):
        return sorted(self.path.glob("*" + REQUEST), key=lambda path: path.name)

    def serve(self, asked):
        key, began = asked.stem, time.monotonic()
        draft = self.path / (key + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        try:
            compile_request(Request(asked.read_text()), draft)
            (draft / "seconds").write_text(f"{time.monotonic() - began:.3f}\n")
            shutil.rmtree(self.path / (key + PACKAGE), ignore_errors=True)
            draft.rename(self.path / (key + PACKAGE))
            print(f"compiled {key} in {time.monotonic() - began:.1f} s", flush=True)
        except NotHere as error:
            self.fail(key, HERE + str(error))
        except FileNotFoundError as error:
            if asked.exists():
                self.fail(key, f"{HERE}{error}")
        except Exception as error:  # torch's compilers fail in many ways, and none may end this
            self.fail(key, f"{type(error).__name__}: {error}")
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            draft.with_suffix(".pt2").unlink(missing_ok=True)
            asked.unlink(missing_ok=True)
        self.trim()

    def fail(self, key, reason):
        line = " ".join(reason.split())[:1000]
        draft = self.path / (key + ".reason")
        draft.write_text(line + "\n")
        draft.rename(self.path / (key + FAILED))
        print(f"cannot compile {key}: {line}", flush=True)

    def trim(self):
        """Drops the packages that were used longest ago, until what is kept fits."""
        drafts = self.path / "inductor"
        if size_of(drafts) > self.cache_bytes // 8:
            shutil.rmtree(drafts, ignore_errors=True)
        packages = sorted(self.path.glob("*" + PACKAGE), key=lambda p: p.stat().st_mtime)
        sizes = [size_of(package) for package in packages]
        left = sum(sizes)
        for package, size in zip(packages[:-1], sizes):
            if left <= self.cache_bytes:
                return
            shutil.rmtree(package, ignore_errors=True)
            left -= size


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def serve_until_idle(folder, idle_s):
    last = time.monotonic()
    while time.monotonic() - last < idle_s:
        for asked in folder.requests():
            folder.serve(asked)
            last = time.monotonic()
        time.sleep(LOOK_S)


def yield_the_processor():
    os.nice(19)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Compiles windows that Workers ask for.")
    parser.add_argument("folder")
    parser.add_argument("--idle", type=float, default=10, help="seconds without a request")
    parser.add_argument("--cache-bytes", type=int, default=2 << 30, help="of packages kept")
    options = parser.parse_args(arguments)
    lock = open(os.path.join(options.folder, "service.lock"), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    yield_the_processor()
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(options.folder, "inductor")
    folder = Folder(options.folder, options.cache_bytes)
    serve_until_idle(folder, options.idle)
    return 0


if __name__ == "__main__":
    os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
    sys.exit(main())
