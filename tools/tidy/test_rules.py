"""Each rule on small trees of its own: what it refuses, and what it lets pass."""

import pytest

from tools.tidy import (calls, check, functions, includes, leftovers, limits, names, rooms,
                        rooms_kept, vendors)
from tools.tidy.tree import Finding, Tree

BASE = {"moai/base/CMakeLists.txt": "moai_room(base LEVEL 0)\n",
        "moai/base/README.md": "# base\n"}


def make(*pairs):
    return Tree({**BASE, **dict(pairs)})


def rules_of(found):
    return sorted({finding.rule for finding in found})


@pytest.mark.parametrize("length, rules", [(100, []), (101, ["line"])])
def test_lines_end_at_100_columns(length, rules):
    assert rules_of(limits.check(make(("moai/base/a.cc", "x" * length + "\n")))) == rules


@pytest.mark.parametrize("path, lines", [("moai/base/a.cc", 600), ("tools/a.py", 600),
                                         ("moai/base/README.md", 40),
                                         ("moai/base/CMakeLists.txt", 60)])
def test_files_have_limits(path, lines):
    assert rules_of(limits.check(make((path, "\n" * lines)))) == []
    assert rules_of(limits.check(make((path, "\n" * (lines + 1))))) == ["file"]


def test_text_without_limits_may_be_long():
    assert limits.check(make(("docs/formats/a.md", "\n" * 900))) == []


def function(lines):
    return "int f(int a) {\n" + "  g();\n" * (lines - 2) + "}\n"


@pytest.mark.parametrize("lines, rules", [(70, []), (71, ["function"])])
def test_functions_end_at_70_lines(lines, rules):
    assert rules_of(functions.check(make(("moai/base/a.cc", function(lines))))) == rules
    body = "def f():\n" + "    g()\n" * (lines - 1)
    assert rules_of(functions.check(make(("tools/a.py", body)))) == rules


def test_headers_are_guarded_and_includes_are_full_paths():
    bad = make(("moai/base/a.h", '#include "b.h"\n'), ("moai/base/b.h", "#pragma once\n"))
    assert rules_of(includes.check(bad)) == ["include", "pragma-once"]
    good = make(("moai/base/a.h", '#pragma once\n#include "moai/base/b.h"\n'),
                ("moai/base/b.h", "#pragma once\n"))
    assert includes.check(good) == []


def test_an_included_file_exists():
    assert rules_of(includes.check(make(("moai/base/a.cc", '#include "moai/base/b.h"\n')))) == [
        "include"]


def ladder(dependencies, path="moai/comm/a.cc"):
    return make(("moai/comm/CMakeLists.txt", f"moai_room(comm LEVEL 4 {dependencies})\n"),
                (path, '#include "moai/base/a.h"\n'))


@pytest.mark.parametrize("dependencies, path, rules", [
    ("DEPS base", "moai/comm/a.cc", []),
    ("DEPS tensor LINK moai_base", "moai/comm/a.cc", ["ladder"]),
    ("DEPS tensor TEST_LINK moai_base", "moai/comm/a.cc", ["ladder"]),
    ("DEPS tensor TEST_LINK moai_base", "moai/comm/a_test.cc", []),
])
def test_rooms_include_what_they_name(dependencies, path, rules):
    assert rules_of(rooms.check(ladder(dependencies, path))) == rules


@pytest.mark.parametrize("link, rules", [("LINK moai_base_a", []), ("", ["ladder"])])
def test_a_linked_part_gives_its_header(link, rules):
    assert rules_of(rooms.check(ladder(f"DEPS tensor {link}"))) == rules


@pytest.mark.parametrize("path, include, rules", [
    ("moai/front/a.cc", "<ATen/ATen.h>", []),
    ("moai/driver/a.cc", "<ATen/ATen.h>", ["vendor"]),
    ("moai/front/a.cc", "<torch/torch.h>", ["vendor"]),
    ("moai/rpc/a.cc", "<grpcpp/grpcpp.h>", []),
    ("moai/control/a.cc", "<grpcpp/grpcpp.h>", ["vendor"]),
    ("moai/control/a.cc", '"proto/moai/core.pb.h"', []),
    ("moai/control/a.cc", '"proto/moai/core.grpc.pb.h"', ["vendor"]),
    ("moai/control/store/a.cc", "<sqlite3.h>", []),
    ("moai/control/services/a.cc", "<sqlite3.h>", ["vendor"]),
    ("moai/compiler/cost/a.cc", "<toml++/toml.h>", ["vendor"]),
    ("moai/comm/link/a.cc", "<openssl/ssl.h>", ["vendor"]),
])
def test_a_vendor_has_one_room(path, include, rules):
    assert rules_of(vendors.check(make((path, f"#include {include}\n")))) == rules


@pytest.mark.parametrize("path, text, rules", [
    ("moai/base/string_util.h", "", ["name"]),
    ("moai/base/misc.cc", "", ["name"]),
    ("moai/base/utility_matrix.cc", "", []),
    ("moai/base/a.h", "class LeaseManager {\n};\n", ["name"]),
    ("moai/base/a.h", "class SDAManager {\n};\n", []),
    ("moai/base/a.h", "// class LeaseManager\n", []),
    ("moai/base/a.h", "struct Window2 {\n};\n", ["name"]),
    ("moai/base/a.h", "struct Renewal {\n};\n", []),
    ("python/a.py", "class CommonThings:\n    pass\n", ["name"]),
])
def test_names_say_something(path, text, rules):
    assert rules_of(names.check(make((path, text)))) == rules


@pytest.mark.parametrize("path, text, rules", [
    ("moai/base/environment.cc", 'std::getenv("A")', []),
    ("moai/base/log.cc", 'std::getenv("A")', ["call"]),
    ("moai/base/log.cc", '// getenv("A")', []),
    ("moai/base/log.cc", 'say("getenv(A)")', []),
    ("moai/base/log_test.cc", 'setenv("A", "b", 1)', []),
    ("moai/base/log.cc", "thread.detach();", ["call"]),
])
def test_calls_have_their_place(path, text, rules):
    assert rules_of(calls.check(make((path, text + "\n")))) == rules


@pytest.mark.parametrize("text, rules", [
    ("// TODO: drop this when UCX 1.18 is the oldest\n", []),
    ("// TODO(me): later\n", ["marker"]),
    ("// FIXME: is this right?\n", ["marker"]),
])
def test_markers_name_their_end(text, rules):
    assert rules_of(leftovers.check_markers(make(("moai/base/a.cc", text + "\n" * 999)))) == rules


def test_markers_are_few():
    text = "// TODO: drop this when UCX 1.18 is the oldest\n" * 2 + "\n" * 998
    assert rules_of(leftovers.check_markers(make(("moai/base/a.cc", text)))) == ["marker"]


@pytest.mark.parametrize("text, found", [
    ("see /home/" + "me/notes", 1), ("/ro" + "ot/x", 1), ("${HOME}/work/x", 0),
    ("moai/work/x", 0), ("~/work", 0)])
def test_paths_of_one_machine(text, found):
    assert len(leftovers.check_machine_paths(make(("docs/a.md", text)))) == found


def test_dead_headers():
    own = ("moai/base/a.cc", '#include "moai/base/a.h"\n')
    header = ("moai/base/a.h", "#pragma once\n")
    assert rules_of(leftovers.check_dead_headers(make(header, own))) == ["dead-file"]
    other = ("moai/base/b.cc", '#include "moai/base/a.h"\n')
    assert leftovers.check_dead_headers(make(header, own, other)) == []


def test_rooms_have_a_readme():
    bare = Tree({"moai/base/CMakeLists.txt": "moai_room(base LEVEL 0)\n"})
    assert rules_of(rooms_kept.check(bare)) == ["readme"]
    assert rooms_kept.check(make()) == []


def test_tests_stand_beside_what_they_test():
    alone = make(("moai/base/a_test.cc", ""))
    assert rules_of(rooms_kept.check(alone)) == ["test-place"]
    assert rooms_kept.check(make(("moai/base/a_test.cc", ""), ("moai/base/a.h", ""))) == []
    assert rooms_kept.check(make(("moai/base/conformance/a_test.cc", ""))) == []


def test_an_exemption_takes_a_finding_away_and_ends_with_it():
    exemptions = [("line", "moai/base/a.cc", "a table")]
    long = make(("moai/base/a.cc", "x" * 101 + "\n"))
    assert check.findings(long, exemptions) == []
    short = make(("moai/base/a.cc", "x\n"))
    assert rules_of(check.findings(short, exemptions)) == ["exemption"]


def test_a_finding_reads_as_an_editor_wants_it():
    assert str(Finding("line", "a.cc", 3, "too long")) == "a.cc:3: [line] too long"
