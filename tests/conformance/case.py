"""What is run: a case is one check of one entry of a suite in one dtype."""

import dataclasses


@dataclasses.dataclass(frozen=True, order=True)
class Case:
    suite: str   # "ops", "foreach", …
    entry: str   # of the suite's database, for example "nn.functional.relu"
    dtype: str   # "float32"; "-" where the check chooses
    check: str   # "forward", "out", …

    @property
    def id(self):
        return f"{self.suite}/{self.entry}/{self.dtype}/{self.check}"

    @property
    def seed(self):
        """The same in every run and process."""
        return sum(ord(c) * (i + 1) for i, c in enumerate(self.id)) % (1 << 31)

    @staticmethod
    def parse(text):
        suite, entry, dtype, check = text.split("/")
        return Case(suite, entry, dtype, check)


class Unsupported(Exception):
    """The database has nothing to run for this case; it is then no case."""


class Mismatch(AssertionError):
    """The device's result is not the one that is demanded."""
