"""Runs every rule over a tree and takes away what is exempt."""

from tools.tidy import (calls, functions, includes, leftovers, limits, names, rooms, rooms_kept,
                        vendors)
from tools.tidy.exemptions import EXEMPTIONS
from tools.tidy.tree import Finding

RULES = (limits, functions, includes, rooms, vendors, names, calls, leftovers, rooms_kept)


def findings(tree, exemptions=None):
    exemptions = EXEMPTIONS if exemptions is None else exemptions
    found = [finding for rule in RULES for finding in rule.check(tree)]
    exempt = {(rule, path) for rule, path, _ in exemptions}
    occurring = {(finding.rule, finding.path) for finding in found}
    stale = [Finding("exemption", path, 1, f"'{rule}' no longer occurs here: delete its line in "
                                           "tools/tidy/exemptions.py")
             for rule, path in sorted(exempt - occurring)]
    return [*(finding for finding in found if (finding.rule, finding.path) not in exempt), *stale]
