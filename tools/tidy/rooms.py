"""The ladder: a room includes only the rooms that its CMakeLists.txt names.

That the named rooms stand on lower levels is checked by cmake/moai_room.cmake.
"""

import re

from tools.tidy.includes import includes
from tools.tidy.tree import CPP, Finding, is_test, room_of

RULE = "ladder"
_ROOM = re.compile(r"moai_room\((.*?)\)", re.DOTALL)
_KEYWORDS = ("LEVEL", "DEPS", "LINK", "EXCLUDE", "TEST_LINK")


def cmake_texts(tree, room):
    return [tree.texts[path] for path in tree.paths("CMakeLists.txt", ".cmake",
                                                    under=f"moai/{room}/")]


def room_call(text, room):
    """Keyword → words of the call that declares `room`; None without one."""
    for match in _ROOM.finditer(re.sub(r"#[^\n]*", "", text)):
        words = match.group(1).split()
        if words and words[0] == room:
            groups, key = {}, "NAME"
            for word in words:
                if word in _KEYWORDS:
                    key = word
                groups.setdefault(key, []).append(word)
            return groups
    return None


def allowed(tree, room):
    """(rooms the sources may include, rooms the tests may include besides)."""
    calls = [room_call(text, room) for text in cmake_texts(tree, room)]
    words = next(call for call in calls if call)
    linked = re.findall(r"\bmoai_(\w+)", " ".join(words.get("TEST_LINK", [])))
    return set(words.get("DEPS", [])), set(linked)


def declared(tree):
    """Rooms that a call of moai_room declares: the others are programs, or not built yet."""
    return [room for room in tree.rooms
            if any(room_call(text, room) for text in cmake_texts(tree, room))]


def linked_parts(tree, room):
    """Headers of other rooms that a linked part stands for: moai_session_wire is
    moai/session/wire.h."""
    calls = [room_call(text, room) for text in cmake_texts(tree, room)]
    words = next(call for call in calls if call)
    names = re.findall(r"\bmoai_(\w+)", " ".join(words.get("LINK", [])))
    return {f"moai/{name.replace('_', '/', 1)}.h" for name in names if "_" in name}


def check(tree):
    found = []
    for room in declared(tree):
        sources, tests = allowed(tree, room)
        parts = linked_parts(tree, room)
        for path in tree.paths(*CPP, under=f"moai/{room}/"):
            may = {room} | sources | (tests if is_test(path) else set())
            for number, _, target in includes(tree, path):
                other = room_of(target)
                if other and other not in may and target not in parts:
                    found.append(Finding(
                        RULE, path, number,
                        f"{room} may not include {other}: move the shared part down, or name "
                        f"{other} in DEPS of moai/{room}/CMakeLists.txt if its level is lower"))
    return found
