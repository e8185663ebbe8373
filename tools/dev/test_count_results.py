"""The closing line counts what the result files say."""

import pytest

from tools.dev import count_results

GTEST = """<testsuites><testsuite>
<testcase name="A" status="run" result="completed"/>
<testcase name="B" status="run"><failure message="no"/></testcase>
<testcase name="C" status="run" result="skipped"><skipped message="no GPU"/></testcase>
<testcase name="D" status="notrun"/>
</testsuite></testsuites>"""


def ctest(*outcomes):
    entries = "".join('<testcase name="x" status="run"/>' if passed else
                      '<testcase name="x" status="fail"><failure message=""/></testcase>'
                      for passed in outcomes)
    return f"<testsuite>{entries}</testsuite>"


@pytest.fixture
def results(tmp_path):
    (tmp_path / "cpp").mkdir()
    return tmp_path


def test_cases_are_counted_and_programs_are_not(results):
    (results / "cpp/a_test.xml").write_text(GTEST)
    (results / "ctest.xml").write_text(ctest(False, True))
    assert count_results.count_folder(results) == {"passed": 1, "failed": 1, "skipped": 2}


def test_a_program_that_ends_without_a_file_is_a_failure(results):
    (results / "cpp/a_test.xml").write_text(GTEST)
    (results / "ctest.xml").write_text(ctest(False, False))
    assert count_results.count_folder(results)["failed"] == 2


def test_files_of_pytest_are_added(results):
    (results / "tools.xml").write_text('<testsuites><testsuite><testcase name="t"/>'
                                       '<testcase name="u"><error/></testcase></testsuite>'
                                       "</testsuites>")
    assert count_results.count_folder(results) == {"passed": 1, "failed": 1, "skipped": 0}


def test_the_line_stands_alone():
    total = {"passed": 3, "failed": 0, "skipped": 1}
    assert count_results.closing_line(total) == "3 passed, 0 failed, 1 skipped"
