"""Sizes of functions."""

import ast

from tools.tidy import cpp_text
from tools.tidy.tree import Finding

RULE = "function"
LINES_MAX = 70


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield cpp_text.Function(node.name, node.lineno, node.end_lineno)


def check(tree):
    found = []
    for path in tree.paths(".cc", ".h", ".py"):
        read = python_functions if path.endswith(".py") else cpp_text.functions
        for function in read(tree.texts[path]):
            if function.lines > LINES_MAX:
                found.append(Finding(RULE, path, function.first_line,
                                     f"{function.name} has {function.lines} lines, over "
                                     f"{LINES_MAX}: name its steps and call them"))
    return found
