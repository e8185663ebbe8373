"""Names that say nothing, in files and classes."""

import re

from tools.tidy.cpp_text import without_comments
from tools.tidy.tree import Finding

RULE = "name"
BANNED = {"util": "the thing it does", "utils": "the thing it does", "helper": "its purpose",
          "helpers": "their purpose", "common": "what is shared", "misc": "each part's idea",
          "manager": "what it decides or owns", "new": "what differs", "2": "what differs"}
PRODUCT_WORDS = ("SDAManager", "SdaManager", "sda_manager")
_CPP_TYPE = re.compile(r"^\s*(?:class|struct|enum(?:\s+class)?|union|using)\s+(\w+)", re.M)
_PYTHON_TYPE = re.compile(r"^\s*class\s+(\w+)", re.M)
CODE = (".cc", ".h", ".py", ".sh", ".cmake", ".proto", ".md")


def words(name):
    """Words of a snake_case, kebab-case or PascalCase name, in lower case."""
    for product in PRODUCT_WORDS:
        name = name.replace(product, "")
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    spaced = re.sub(r"(?<=[a-z])2(?![0-9a-z])", "_2", spaced)
    return [word.lower() for word in re.split(r"[_\-.]+", spaced) if word]


def banned_word(name):
    return next((word for word in words(name) if word in BANNED), None)


def types(tree, path):
    """(line, name) of each type that a file defines or declares."""
    text = tree.texts[path]
    pattern = _PYTHON_TYPE if path.endswith(".py") else _CPP_TYPE
    if path.endswith((".cc", ".h")):
        text = without_comments(text)
    for match in pattern.finditer(text):
        yield text.count("\n", 0, match.start(1)) + 1, match.group(1)


def check(tree):
    found = []
    for path in tree.paths(*CODE):
        for part in path.rsplit(".", 1)[0].split("/"):
            word = banned_word(part)
            if word:
                found.append(Finding(RULE, path, 1, f"'{word}' in a file name: name it by "
                                                    f"{BANNED[word]}"))
        if path.endswith((".cc", ".h", ".py")):
            for number, name in types(tree, path):
                word = banned_word(name)
                if word:
                    found.append(Finding(RULE, path, number, f"'{word}' in {name}: name it by "
                                                             f"{BANNED[word]}"))
    return found
