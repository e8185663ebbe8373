"""Sizes of lines and files."""

from tools.tidy.tree import Finding

RULE = "limits"
COLUMNS_MAX = 100
CODE_LINES_MAX = 600
CODE_LINES_WANTED = 450
README_LINES_MAX = 40
CMAKE_LINES_MAX = 60
CODE = (".cc", ".h", ".py", ".sh", ".proto")


def long_lines(tree):
    for path in tree.paths(*CODE, "CMakeLists.txt", ".cmake"):
        for number, text in tree.lines(path):
            if len(text) > COLUMNS_MAX:
                yield Finding("line", path, number,
                              f"{len(text)} columns, over {COLUMNS_MAX}: break the line")


def file_limit(path):
    """(lines, what to do instead) that bound `path`; None where nothing does."""
    name = path.rsplit("/", 1)[-1]
    if name == "CMakeLists.txt":
        return CMAKE_LINES_MAX, "move parts into a function under cmake/"
    if name == "README.md" and path.startswith("moai/"):
        return README_LINES_MAX, "move contracts into the headers, formats into docs/formats/"
    if path.endswith(CODE):
        return CODE_LINES_MAX, "split it by idea, each half with a name of its own"
    return None


def long_files(tree):
    for path in tree.texts:
        limit = file_limit(path)
        if limit and tree.line_count(path) > limit[0]:
            yield Finding("file", path, 1,
                          f"{tree.line_count(path)} lines, over {limit[0]}: {limit[1]}")


def wanted_files(tree):
    """Files past the size where one should stop; told, not refused."""
    return [path for path in tree.paths(*CODE) if tree.line_count(path) > CODE_LINES_WANTED]


def check(tree):
    return [*long_lines(tree), *long_files(tree)]
