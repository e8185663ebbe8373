"""What is left over: markers, places of one machine, files that nothing uses."""

import re

from tools.tidy.includes import includes
from tools.tidy.rooms import declared
from tools.tidy.tree import CPP, Finding, is_test, room_of

MARKERS_PER_LINES = 1000
CODE = (*CPP, ".py", ".sh", ".cmake", ".proto")
_MARKER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(.*)")
_MACHINE = re.compile(r"(?<![\w.$}{<~])/(?:work|home/\w+|root|mnt|Users|opt/(?!moai))(?:/|\b)")
# This folder names what it looks for.
OWN = "tools/tidy/"


def markers(tree):
    """(path, line, marker, what follows it) of every marker."""
    for path in tree.paths(*CODE):
        if path.startswith(OWN):
            continue
        for number, text in tree.lines(path):
            match = _MARKER.search(text)
            if match:
                yield path, number, match.group(1), match.group(2)


def check_markers(tree):
    seen = list(markers(tree))
    found = [Finding("marker", path, number,
                     f"{marker}: write TODO: and the condition that ends it")
             for path, number, marker, rest in seen
             if marker != "TODO" or not re.match(r":\s+\w+ \w+", rest)]
    lines = sum(tree.line_count(path) for path in tree.paths(*CODE))
    if len(seen) * MARKERS_PER_LINES > lines:
        path, number, _, _ = seen[0]
        found.append(Finding("marker", path, number,
                             f"{len(seen)} markers in {lines} lines, over 1 per "
                             f"{MARKERS_PER_LINES}: do some of them"))
    return found


def check_machine_paths(tree):
    return [Finding("machine-path", path, number,
                    "a path of one machine: derive it from the tree, XDG or an option")
            for path in tree.texts if not path.startswith(OWN) and not is_test(path)
            for number, text in tree.lines(path) if _MACHINE.search(text)]


def users(tree):
    """Included file → the files that include it."""
    found = {}
    for path in tree.paths(*CPP):
        for _, _, target in includes(tree, path):
            found.setdefault(target, set()).add(path)
    return found


def check_dead_headers(tree):
    """Headers of built rooms that only their own .cc includes."""
    used, built = users(tree), declared(tree)
    cmake = "\n".join(tree.texts[path] for path in tree.paths("CMakeLists.txt", ".cmake"))
    return [Finding("dead-file", path, 1, "nothing includes it: use it or delete it")
            for path in tree.paths(".h", under="moai/")
            if room_of(path) in built and path.rsplit("/", 1)[-1] not in cmake
            and not used.get(path, set()) - {path[:-2] + ".cc"}]


def check(tree):
    return [*check_markers(tree), *check_machine_paths(tree), *check_dead_headers(tree)]
