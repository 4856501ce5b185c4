"""The Kotlin of the page on Android is compiled with the tests of its module, word for word."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "runtime/jvm/fpm-edge-android/src/test/kotlin/fpm/edge/android/DocsCode.kt"


def stripped(code: str) -> str:
    return "\n".join(line.strip() for line in code.strip().splitlines())


BLOCKS = re.findall(r"```kotlin\n(.*?)```", (ROOT / "docs/android.md").read_text("utf-8"), re.DOTALL)


def test_there_are_some() -> None:
    assert len(BLOCKS) >= 5


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.strip().splitlines()[0])
def test_it_is_compiled(block: str) -> None:
    assert stripped(block) in stripped(CODE.read_text("utf-8"))
