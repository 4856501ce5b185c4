"""`make test` says how many tests passed, and never that all did where a process died."""

import pytest
from counted import added, of_maven, of_node, of_pytest, told

PASSED = """.......
2495 passed, 8 skipped, 167 deselected in 839.81s (0:13:59)
INFO: a library says goodbye
"""
FAILED = "FAILED tests/a.py::b - 3 passed\n1 failed, 2 passed, 1 error in 0.5s\n"
CUT = "tests/fpm_edge/test_demo.py ....\ntests/fpm_edge/test_interrupts.py .........."
TAP = "ok 1 - a\n# tests 4\n# pass 2\n# fail 1\n# cancelled 1\n# skipped 0\n# todo 0\n"
MAVEN = """[INFO] Tests run: 7, Failures: 0, Errors: 0, Skipped: 1, Time elapsed: 0.1 s -- in fpm.edge.ErrorsTest
[INFO] Tests run: 9, Failures: 0, Errors: 0, Skipped: 1
[ERROR] Tests run: 5, Failures: 1, Errors: 2, Skipped: 0
"""


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (of_pytest(PASSED), (2495, 0, 8)),
        (of_pytest(FAILED), (2, 2, 0)),
        (of_pytest(CUT), (0, 0, 0)),
        (of_node(TAP), (2, 2, 0)),
        (of_maven(MAVEN), (10, 3, 1)),
        (added([of_pytest(PASSED), of_node(TAP)]), (2497, 2, 8)),
    ],
)
def test_counts(counts: dict[str, int], expected: tuple[int, int, int]) -> None:
    assert tuple(counts[kind] for kind in ("passed", "failed", "skipped")) == expected


@pytest.mark.parametrize(
    ("said", "returncode", "failed", "line"),
    [
        (PASSED, 0, 0, "these: 2495 passed, 0 failed, 8 skipped"),
        (FAILED, 1, 2, "these: 2 passed, 2 failed, 0 skipped"),
        (PASSED, 2, 1, "these: 2495 passed, 1 failed, 8 skipped"),
        (CUT, -11, 1, "these: 0 passed, 1 failed, 0 skipped, ended by signal 11"),
        (CUT, 0, 1, "these: 0 passed, 1 failed, 0 skipped"),
    ],
)
def test_a_process_that_failed_is_a_failure(
    said: str, returncode: int, failed: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(of_pytest(said), returncode, "these")["failed"] == failed
    assert capsys.readouterr().out == f"{line}\n"
