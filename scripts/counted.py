"""How many tests passed, failed and were skipped, read from what pytest, Node's runner or Maven printed."""

import re
from collections.abc import Iterable

__all__ = ["Counts", "added", "of_maven", "of_node", "of_pytest", "told"]

Counts = dict[str, int]
"""``passed``, ``failed``, ``skipped``."""

_PYTEST = re.compile(r"(\d+) (passed|failed|skipped|error)")
# Not simply the last line: libraries say goodbye after it.
_END = re.compile(r"^.*\d+ (?:passed|failed|skipped|deselected|errors?)\b.* in [\d.]+s.*$", re.MULTILINE)
# Of each module; what stands behind the name of one class ends otherwise.
_MAVEN = re.compile(r"^\[\w+\] Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)$", re.MULTILINE)
_NODE = re.compile(r"^# (pass|fail|cancelled|skipped|todo) (\d+)$", re.MULTILINE)
_KINDS = {"error": "failed", "pass": "passed", "fail": "failed", "cancelled": "failed", "todo": "skipped"}


def of_pytest(said: str) -> Counts:
    """Of the last summary in the text; all 0 without one."""
    return _added((kind, number) for end in _END.findall(said)[-1:] for number, kind in _PYTEST.findall(end))


def of_node(said: str) -> Counts:
    """Of the summary in TAP."""
    return _added(_NODE.findall(said))


def of_maven(said: str) -> Counts:
    """Of the summaries of all modules."""
    found = [[int(number) for number in numbers] for numbers in _MAVEN.findall(said)]
    return added(
        {"passed": run - failures - errors - skipped, "failed": failures + errors, "skipped": skipped}
        for run, failures, errors, skipped in found
    )


def told(counts: Counts, returncode: int, what: str) -> Counts:
    """The counts, printed. A process that failed itself, or ran no test, is a failure more where it counted none."""
    failed = max(counts["failed"], int(returncode != 0 or not counts["passed"]))
    ending = f", ended by signal {-returncode}" if returncode < 0 else ""
    print(f"{what}: {counts['passed']} passed, {failed} failed, {counts['skipped']} skipped{ending}", flush=True)
    return {**counts, "failed": failed}


def added(all_counts: Iterable[Counts]) -> Counts:
    """Their sums."""
    return _added((kind, number) for counts in all_counts for kind, number in counts.items())


def _added(found: Iterable[tuple[str, str | int]]) -> Counts:
    counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
    for kind, number in found:
        counts[_KINDS.get(kind, kind)] += int(number)
    return counts
