"""Includes: which exist in a file, and that each is written as a full path."""

import re

from tools.tidy.tree import CPP, Finding, room_of

RULE = "include"
_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(tree, path):
    """(line, quote, what is included) of each include of a file."""
    for number, text in tree.lines(path):
        match = _INCLUDE.match(text)
        if match:
            yield number, match.group(1), match.group(2)


def check(tree):
    found = []
    for path in tree.paths(*CPP, under="moai/"):
        if path.endswith(".h") and "#pragma once" not in tree.texts[path]:
            found.append(Finding("pragma-once", path, 1, "no include guard: write #pragma once"))
        for number, quote, target in includes(tree, path):
            if quote == '"' and not target.startswith(("moai/", "proto/")):
                found.append(Finding(RULE, path, number,
                                     f'"{target}": write the full path, moai/{room_of(path)}/...'))
            elif target.startswith("moai/") and quote == "<":
                found.append(Finding(RULE, path, number, f'<{target}>: write "{target}"'))
            elif target.startswith("moai/") and target not in tree.texts:
                found.append(Finding(RULE, path, number, f"{target} is not in this tree"))
    return found
