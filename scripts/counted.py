"""How many tests passed, failed and were skipped, read from what pytest or Node's runner printed."""

import re
from collections.abc import Iterable

__all__ = ["Counts", "of_node", "of_pytest"]

Counts = dict[str, int]
"""``passed``, ``failed``, ``skipped``."""

_PYTEST = re.compile(r"(\d+) (passed|failed|skipped|error)")
# Not simply the last line: libraries say goodbye after it.
_END = re.compile(r"^.*\d+ (?:passed|failed|skipped|deselected|errors?)\b.* in [\d.]+s.*$", re.MULTILINE)
_NODE = re.compile(r"^# (pass|fail|cancelled|skipped|todo) (\d+)$", re.MULTILINE)
_KINDS = {"error": "failed", "pass": "passed", "fail": "failed", "cancelled": "failed", "todo": "skipped"}


def of_pytest(said: str) -> Counts:
    """Of the last summary in the text; all 0 without one."""
    return _added((kind, number) for end in _END.findall(said)[-1:] for number, kind in _PYTEST.findall(end))


def of_node(said: str) -> Counts:
    """Of the summary in TAP."""
    return _added(_NODE.findall(said))


def _added(found: Iterable[tuple[str, str]]) -> Counts:
    counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
    for kind, number in found:
        counts[_KINDS.get(kind, kind)] += int(number)
    return counts
