"""A small set of combinations in which each two values of different parameters stand together."""

import itertools


def covering(parameters, allowed=lambda row: True):
    """`parameters`: name → values. Rows (name → value) that are `allowed`, few of them; pairs that
    no allowed row has are left out. Deterministic."""
    names = list(parameters)
    rows = [dict(zip(names, values, strict=True))
            for values in itertools.product(*parameters.values())]
    rows = [row for row in rows if allowed(row)]
    pairs = [set(itertools.combinations(row.items(), 2)) for row in rows]
    missing, chosen = set().union(*pairs), []
    while missing:
        best = max(range(len(rows)), key=lambda i: len(pairs[i] & missing))
        missing -= pairs[best]
        chosen.append(rows[best])
    return chosen
