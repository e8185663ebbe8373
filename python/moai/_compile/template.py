"""Templates read from their text form (docs/formats/call.md, program.md)."""

import re
from dataclasses import dataclass, field

_GEOMETRY = re.compile(r"(?P<host>host )?(?P<dtype>[a-z]+\d*)\[(?P<sizes>[\d,]*)\]"
                       r"(?:\{(?P<strides>[\d,]*)\})?(?:\+(?P<offset>\d+))?(?P<flags>[*\-wh]*)")


@dataclass
class Geometry:
    dtype: str
    sizes: tuple
    strides: tuple
    offset: int = 0
    flags: str = ""


@dataclass
class Argument:
    """`kind`: none, undefined, device, bool, int, double, string, ints, bools, doubles, tensor,
    host, word, intword, generator or list; `value` is what the kind says."""

    kind: str
    value: object = None
    slot: int = None
    written: bool = False


@dataclass
class Instruction:
    op: str  # "aten::add.Tensor"; alloc and resize are ops, too
    arguments: list = field(default_factory=list)
    results: list = field(default_factory=list)  # (slot, Geometry) of fresh ones, None of others


class TemplateError(ValueError):
    """Text that is no template."""


def contiguous(sizes):
    strides, step = [], 1
    for size in reversed(sizes):
        strides.insert(0, step)
        step *= max(1, size)
    return tuple(strides)


def _numbers(text):
    return tuple(int(number) for number in text.split(",")) if text else ()


class _Reader:
    """One instruction's text, from left to right."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def fail(self, what):
        raise TemplateError(f"{what} at column {self.at}: {self.text}")

    def match(self, pattern):
        found = re.compile(pattern).match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def take(self, pattern, what):
        return self.match(pattern) or self.fail(f"expected {what}")

    def geometry(self):
        found = _GEOMETRY.match(self.text, self.at)
        if not found:
            return None
        self.at = found.end()
        sizes = _numbers(found["sizes"])
        strides = contiguous(sizes) if found["strides"] is None else _numbers(found["strides"])
        return found["host"], Geometry(found["dtype"], sizes, strides, int(found["offset"] or 0),
                                       found["flags"])

    def items(self, one, end):
        found = []
        while not self.match(end):
            if found:
                self.take(r", ?", "a comma")
            found.append(one())
        return found

    def argument(self):
        if self.match(r"\("):
            return Argument("list", self.items(self.argument, r"\)"))
        for kind in ("none", "undefined", "device", "generator", "intword", "word"):
            if self.match(kind + r"(?![\w\[(])"):
                return Argument(kind)
        if found := self.match(r"(true|false)(?!\w)"):
            return Argument("bool", found[1] == "true")
        if found := self.match(r'"((?:[^"\\]|\\.)*)"'):
            return Argument("string", found[1])
        if found := self.match(r"(bools|doubles)\[([^\]]*)\]"):
            convert = float if found[1] == "doubles" else "true".__eq__
            return Argument(found[1], [convert(v) for v in found[2].split(",") if v])
        if found := self.match(r"\[([-\d,]*)\]"):
            return Argument("ints", list(_numbers(found[1])))
        return self.number() or self.tensor()

    def number(self):
        if found := self.match(r"-?\d+(?![\w.])"):
            return Argument("int", int(found[0]))
        if found := self.match(r"-?(\d[\d.]*(e[-+]?\d+)?|inf)(?![\w\[])"):
            return Argument("double", float(found[0]))
        return None

    def tensor(self):
        host, geometry = self.geometry() or self.fail("expected an argument")
        written = bool(self.match("!"))
        if host:
            return Argument("host", geometry)
        slot = self.take(r" %(\d+)", "a slot")
        return Argument("tensor", geometry, int(slot[1]), written)

    def result(self, slots):
        """Consumes one result; geometries of fresh ones go with the next slot."""
        if self.match(r"\("):
            return self.items(lambda: self.result(slots), r"\)")
        found = None
        if not self.match(r"_|undefined"):
            _, geometry = self.geometry() or self.fail("expected a result")
            found = (slots.pop(0) if slots else self.fail("too few slots"), geometry)
        self.match(r"\?")
        return found

    def instruction(self):
        if found := self.match(r"(alloc|resize) %(\d+)"):
            return Instruction(found[1], [Argument("int", int(found[2]))])
        slots = []
        while found := self.match(r"%(\d+)(?:, | = )"):
            slots.append(int(found[1]))
        op = self.take(r"[\w:]+(?:\.\w+)?(?=\()", "an operator")[0]
        self.take(r"\(", "arguments")
        made = Instruction(op, self.items(self.argument, r"\)"))
        if self.match(r" -> "):
            made.results.append(self.result(slots))
            while self.match(r", "):
                made.results.append(self.result(slots))
        if slots or self.at != len(self.text):
            self.fail("something is left over")
        return made


def parse(text):
    """(number of slots, instructions) of a template."""
    head, *lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = re.fullmatch(r"template (\d+) slots", head)
    if not found:
        raise TemplateError(f"not a template: {head}")
    return int(found[1]), [_Reader(line).instruction() for line in lines]
