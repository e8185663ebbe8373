"""What ./dev fuzz reads from fuzzers, libFuzzer and llvm-cov, and what it says."""

import pathlib

import pytest

from tools.fuzz import building, coverage, decoder, hunt, report

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD = "// fuzz-sources: moai/a/b.cc\n// fuzz-sources: moai/a/c.cc\n// fuzz-covers: moai/a/c.cc\n"


def row(**changes):
    return report.Row(**{"name": "a", "inputs": 10, "per_second": 5, "covered": 96, "lines": 100,
                         "failure": "", **changes})


def test_a_fuzzer_names_its_sources_and_what_it_covers():
    one = decoder.parse("moai/a/c_fuzz.cc", HEAD)
    assert one == decoder.Decoder("c", "moai/a/c_fuzz.cc", ("moai/a/b.cc", "moai/a/c.cc"),
                                  ("moai/a/c.cc",))
    assert one.seeds == "tests/fuzz/c"


def test_a_fuzzer_without_a_head_is_refused():
    with pytest.raises(ValueError, match="fuzz-sources"):
        decoder.parse("moai/a/c_fuzz.cc", "int x;\n")


def test_every_fuzzer_of_the_tree_is_complete():
    for one in decoder.find(ROOT):
        for path in (*one.sources, *one.covers):
            assert (ROOT / path).is_file(), f"{one.main} names {path}"
        assert set(one.covers) <= set(one.sources)
        assert any((ROOT / one.seeds).iterdir()), f"{one.main} has no seeds"


def test_hunting_programs_carry_sanitizers_and_covering_ones_count():
    one = decoder.parse("moai/a/c_fuzz.cc", HEAD)
    assert any("address" in word for word in building.command(one, "build", "hunt"))
    assert "-fcoverage-mapping" in building.command(one, "build", "cover")


def test_the_last_statistics_of_libfuzzer_are_read():
    text = "#12 DONE\nstat::number_of_executed_units: 1200\nstat::average_exec_per_sec:     400\n"
    assert hunt.read_stats(text) == (1200, 400)
    assert hunt.read_stats("==1==ERROR") == (0, 0)


def test_coverage_adds_the_files_up():
    lines = [{"summary": {"lines": {"covered": 9, "count": 10}}},
             {"summary": {"lines": {"covered": 1, "count": 2}}}]
    assert coverage.summary_of({"data": [{"files": lines}]}) == (10, 12)


@pytest.mark.parametrize("changes, problem", [
    ({}, ""), ({"failure": "exit 77"}, "exit 77"), ({"inputs": 9}, "only 9 inputs"),
    ({"covered": 94}, "covers 94.0 % of its lines, under 95 %"), ({"lines": 0}, "covers 0.0 %")])
def test_a_decoder_passes_by_inputs_and_coverage(changes, problem):
    assert row(**changes).problem(10).startswith(problem)
    assert bool(row(**changes).problem(10)) == bool(problem)


def test_the_closing_line_counts_decoders():
    assert report.closing_line([row(), row(covered=1)], 10) == "1 passed, 1 failed, 0 skipped"
