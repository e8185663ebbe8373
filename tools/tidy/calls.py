"""Calls that have one place in the tree, or none."""

import re

from tools.tidy.cpp_text import without_comments
from tools.tidy.tree import CPP, Finding, is_test

RULE = "call"
# (what, files that may, what the others do)
BANNED = [
    (r"\b(?:secure_)?getenv\s*\(", ("moai/base/environment.cc",),
     "read the environment through moai/base/environment.h"),
    (r"\benviron\b", ("moai/base/process.cc", "moai/driver/lease/holder_client.cc"),
     "start the child with moai/base/process.h"),
    (r"\bsetenv\s*\(|\bputenv\s*\(", (), "pass the environment of the child instead"),
    (r"\b(?:std::)?system\s*\(\s*\"|\bpopen\s*\(", (), "start it with moai/base/process.h"),
    (r"\busing namespace std\b", (), "name what is used"),
    (r"\b(?:strcpy|strcat|sprintf|gets)\s*\(", (), "use std::string or std::snprintf"),
    (r"\bstd::async\b|\.detach\(\)", (), "own the thread: every started thing has a stop"),
    (r"\bstd::endl\b", (), "write '\\n'"),
    (r"\bdynamic_pointer_cast\b", (), "ask the interface"),
]


def check(tree):
    found = []
    for path in tree.paths(*CPP, under="moai/"):
        if is_test(path):
            continue
        for number, text in enumerate(without_comments(tree.texts[path]).split("\n"), 1):
            for pattern, places, instead in BANNED:
                if path not in places and re.search(pattern, text):
                    found.append(Finding(RULE, path, number, instead))
    return found
