"""The fuzzers of the tree: moai/**/NAME_fuzz.cc, and what each says of itself.

Its first lines name what is compiled into it (`// fuzz-sources:`) and which files it must cover
(`// fuzz-covers:`); its first inputs are tests/fuzz/NAME.
"""

import dataclasses
import pathlib
import re

_LINE = re.compile(r"^// fuzz-(sources|covers):(.*)$", re.M)


@dataclasses.dataclass(frozen=True)
class Decoder:
    name: str
    main: str
    sources: tuple
    covers: tuple

    @property
    def seeds(self):
        return f"tests/fuzz/{self.name}"


def parse(path, text):
    """The Decoder of one fuzzer; ValueError says what its head lacks."""
    words = {"sources": [], "covers": []}
    for kind, rest in _LINE.findall(text):
        words[kind] += rest.split()
    for kind, given in words.items():
        if not given:
            raise ValueError(f"{path}: no line '// fuzz-{kind}: FILE...' in its head")
    name = pathlib.PurePath(path).name[:-len("_fuzz.cc")]
    return Decoder(name, path, tuple(words["sources"]), tuple(words["covers"]))


def find(root):
    root = pathlib.Path(root)
    return [parse(str(path.relative_to(root)), path.read_text())
            for path in sorted(root.glob("moai/**/*_fuzz.cc"))]
