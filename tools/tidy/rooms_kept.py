"""What every room has: a README, and tests beside what they test."""

from tools.tidy.rooms import declared
from tools.tidy.tree import Finding

RULE = "room"


def check_readmes(tree):
    return [Finding("readme", f"moai/{room}/README.md", 1,
                    "missing: say what the room does, what it may include, where to start reading")
            for room in declared(tree)
            if f"moai/{room}/README.md" not in tree.texts]


def tested_file_exists(tree, path):
    stem = path[:-len("_test.cc")]
    return any(stem + suffix in tree.texts for suffix in (".cc", ".h"))


def check_tests_beside(tree):
    """A test stands beside the file it is named after; suites over a whole interface are named
    after the interface and stand in a conformance folder."""
    return [Finding("test-place", path, 1,
                    "no file of this name beside it: name the test after what it tests, or put a "
                    "suite over an interface into conformance/")
            for path in tree.paths("_test.cc", under="moai/")
            if "/conformance/" not in path and not tested_file_exists(tree, path)]


def check(tree):
    return [*check_readmes(tree), *check_tests_beside(tree)]
