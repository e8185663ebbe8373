"""All suites, their cases, and those of a shard."""

import zlib

SUITES = {"ops": "ops", "foreach": "foreach", "modules": "modules", "optimizers": "optimizers",
          "autocast": "autocast", "views": "view_ops", "indexing": "indexing", "rng": "rng",
          "serialization": "serialization"}


def suite(name):
    """The module of a suite; imports its database, which takes seconds."""
    import importlib

    return importlib.import_module(f"tests.conformance.suites.{SUITES[name]}")


def in_shard(suite_name, entry, shard):
    """Whether an entry belongs to shard (i, n), i from 1."""
    index, count = shard
    return zlib.crc32(f"{suite_name}/{entry}".encode()) % count == index - 1


def groups(suite_names, shard=(1, 1)):
    """{(suite, entry): [Case, …]} in a fixed order."""
    found = {}
    for name in suite_names:
        module = suite(name)
        for entry, info in sorted(module.entries().items()):
            if in_shard(name, entry, shard):
                found[name, entry] = list(module.cases(entry, info))
    return found
