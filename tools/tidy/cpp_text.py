"""C++ seen without its comments and literals, and the functions in it."""

import dataclasses
import re

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\s]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.DOTALL)
_FUNCTION_HEAD = re.compile(
    r"\)\s*(?:(?:const|noexcept|override|final|mutable|try|->\s*[\w:<>,&*\s]+)\s*)*$")
_ACCESS = re.compile(r"\s*(?:public|private|protected):")
_INITIALISED_HEAD = re.compile(r"\)\s*(?:noexcept\s*)?:\s*\w")
_NAME = re.compile(r"([\w:~]+)\s*\(")
_NOT_FUNCTIONS = ("if", "for", "while", "switch", "catch", "else", "do", "namespace", "class",
                  "struct", "enum", "union", "extern", "return")


def without_comments(text):
    """`text` with every comment and literal blanked; positions and lines stay."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())

    return _TOKEN.sub(blank, re.sub(r"^\s*#.*?(?<!\\)$", blank, text, flags=re.M | re.DOTALL))


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    first_line: int
    last_line: int

    @property
    def lines(self):
        return self.last_line - self.first_line + 1


def _is_function(head):
    words = re.findall(r"\w+", head)
    if not words or "=" in head.rsplit(")", 1)[-1]:
        return False
    first = words[0]
    if first in _NOT_FUNCTIONS and not (first == "extern" and ")" in head):
        return False
    return bool(_FUNCTION_HEAD.search(head) or _INITIALISED_HEAD.search(head))


def _name(head):
    match = _NAME.search(head)
    return match.group(1) if match else "lambda"


def _is_expression(head):
    """Braces of a value: clang-format writes a space before every other opening brace."""
    return head[-1:].strip() != "" or head.rstrip().endswith(("=", ",", "(", "{", "return"))


def functions(text):
    """The bodies in `text`, outermost first; lambdas and tests count as functions.

    `text` is formatted: that tells braces of values from braces of bodies.
    """
    text = without_comments(text)
    found, stack, head_start = [], [], 0
    for position, char in enumerate(text):
        if char == "{":
            label = _ACCESS.match(text, head_start, position)
            head_start = label.end() if label else head_start
            head = text[head_start:position]
            start = head_start + len(head) - len(head.lstrip())
            stack.append((head.strip(), start, _is_expression(head)))
        elif char == "}" and stack:
            head, start, expression = stack.pop()
            if expression:
                head_start = start
                continue
            if _is_function(head):
                found.append(Function(_name(head), text.count("\n", 0, start) + 1,
                                      text.count("\n", 0, position) + 1))
        if char in ";{}":
            head_start = position + 1
    return sorted(found, key=lambda function: function.first_line)
