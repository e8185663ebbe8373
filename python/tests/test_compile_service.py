"""The compile service: requests become packages or reasons, and old packages leave."""

import os
import subprocess
import sys

import pytest

REQUEST = """moai-compile-request 1
torch 2.13.0
processor AVX2
threads 2
bytes 0:64 3:4
live 1
words 3ff8000000000000 - 10
template 2 slots
%1 = aten::clamp(f32[2] %0, none, word) -> f32[2]
"""


@pytest.fixture
def service(torch, monkeypatch):
    from moai._compile import service

    def compile_request(request, package):
        if isinstance(request.threads, int) and request.threads == 13:
            raise service.NotHere("no compiler")
        if request.threads == 14:
            raise RuntimeError("two\nlines")
        package.mkdir()
        (package / "library").write_bytes(b"x" * 1000)

    monkeypatch.setattr(service, "compile_request", compile_request)
    return service


@pytest.fixture
def folder(service, tmp_path):
    return service.Folder(tmp_path, cache_bytes=2500)


def ask(folder, key, text=REQUEST):
    path = folder.path / f"{key}.request"
    path.write_text(text)
    return path


def test_a_request_is_read(service):
    request = service.Request(REQUEST)
    assert (request.torch, request.threads) == ("2.13.0", 2)
    assert request.storage_bytes == {0: 64, 3: 4} and request.live == {1}
    assert request.words == [0x3ff8000000000000, None, 16]
    assert request.template.startswith("template 2 slots\n%1 = ")
    with pytest.raises(ValueError, match="not a request"):
        service.Request("something else")


def test_a_package_appears_whole_and_the_request_goes(folder):
    folder.serve(ask(folder, "k"))
    assert sorted(path.name for path in folder.path.iterdir()) == ["k.package"]
    assert float((folder.path / "k.package/seconds").read_text()) >= 0


@pytest.mark.parametrize("threads, reason", [(13, "here: no compiler"),
                                             (14, "RuntimeError: two lines")])
def test_a_failure_leaves_its_reason(folder, threads, reason):
    folder.serve(ask(folder, "k", REQUEST.replace("threads 2", f"threads {threads}")))
    assert (folder.path / "k.failed").read_text() == reason + "\n"
    assert sorted(path.name for path in folder.path.iterdir()) == ["k.failed"]


def test_other_text_is_a_failure(folder):
    folder.serve(ask(folder, "k", "other"))
    assert "not a request" in (folder.path / "k.failed").read_text()


def test_packages_that_were_used_longest_ago_leave(folder):
    for age, key in enumerate(["new", "older", "oldest"]):
        folder.serve(ask(folder, key))
        os.utime(folder.path / f"{key}.package", (1000 - age, 1000 - age))
    folder.serve(ask(folder, "last"))
    assert sorted(p.name for p in folder.path.iterdir()) == ["last.package", "new.package"]


def test_another_version_of_torch_is_told(service, torch):
    with pytest.raises(service.NotHere, match="has torch .*, the Worker 1.2.3"):
        service.check_torch(torch, "1.2.3")
    service.check_torch(torch, torch.__version__)


def test_it_ends_when_idle_and_is_one_a_folder(torch, tmp_path):
    import fcntl

    with open(tmp_path / "service.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ask_it = [sys.executable, "-m", "moai._compile.service", str(tmp_path), "--idle"]
        assert subprocess.run([*ask_it, "1000"], timeout=300).returncode == 0
    assert subprocess.run([*ask_it, "0"], timeout=300).returncode == 0
