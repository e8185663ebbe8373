"""What tidy reads: the tracked and new files of a tree, and the findings its rules return."""

import dataclasses
import functools
import pathlib
import subprocess

CPP = (".cc", ".h")
TEXT = (*CPP, ".py", ".sh", ".cmake", ".md", ".txt", ".toml", ".proto", ".json", ".yml")
EXTRA = ("dev", ".ci/run", ".clang-format", ".clang-tidy")


@dataclasses.dataclass(frozen=True)
class Finding:
    rule: str
    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


class Tree:
    """Texts by path, as `git ls-files` names them."""

    def __init__(self, texts):
        self.texts = dict(texts)

    @classmethod
    def load(cls, root):
        root = pathlib.Path(root)
        listing = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z", "--cached",
             "--others", "--exclude-standard"],
            check=True, capture_output=True).stdout.decode()
        paths = [path for path in listing.split("\0") if path and is_text(path)]
        return cls({path: (root / path).read_text() for path in sorted(set(paths))
                    if (root / path).is_file()})

    def paths(self, *suffixes, under=""):
        return [path for path in self.texts
                if path.startswith(under) and (not suffixes or path.endswith(suffixes))]

    def lines(self, path):
        """(number, text) of each line, from 1."""
        return enumerate(self.texts[path].split("\n"), 1)

    def line_count(self, path):
        return self.texts[path].count("\n")

    @functools.cached_property
    def rooms(self):
        """Names of the folders of moai/ that hold a CMakeLists.txt."""
        return sorted(path.split("/")[1] for path in self.texts
                      if path.startswith("moai/") and path.count("/") == 2
                      and path.endswith("/CMakeLists.txt"))


def is_text(path):
    if path.startswith(("tests/fuzz/", "tests/golden/")):
        return False
    return path.endswith(TEXT) or path in EXTRA


def room_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "moai" and len(parts) > 2 else None


def is_test(path):
    """Tests, and what only tests use."""
    name = path.rsplit("/", 1)[-1]
    return (name.endswith(("_test.cc", "_fuzz.cc", "_testing.h", "_testing.cc"))
            or name.startswith("test_") or name == "conftest.py"
            or "/testing/" in path or "/conformance/" in path or path.startswith("tests/")
            or "/tests/" in path)
