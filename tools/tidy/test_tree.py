"""The tree itself keeps every rule."""

import pathlib
import subprocess

import pytest

from tools.tidy.check import RULES, findings
from tools.tidy.exemptions import EXEMPTIONS
from tools.tidy.tree import Tree

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found():
    return findings(Tree.load(ROOT))


@pytest.mark.parametrize("name", [rule.__name__.rsplit(".", 1)[-1] for rule in RULES])
def test_no_finding(name):
    rule = next(rule for rule in RULES if rule.__name__.endswith("." + name))
    exempt = {(rule_name, path) for rule_name, path, _ in EXEMPTIONS}
    left = [str(finding) for finding in rule.check(Tree.load(ROOT))
            if (finding.rule, finding.path) not in exempt]
    assert not left, "\n" + "\n".join(left)


def test_exemptions_are_all_needed(found):
    stale = [str(finding) for finding in found if finding.rule == "exemption"]
    assert not stale, "\n" + "\n".join(stale)


def test_formatted():
    command = ["bash", str(ROOT / "tools/dev/format.sh"), "--check"]
    result = subprocess.run(command, text=True, capture_output=True)
    assert result.returncode == 0, result.stderr[-4000:]
