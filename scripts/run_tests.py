"""The whole suite: in two pytest processes side by side, as most tests keep one core busy; then the other runtimes.

What the first prints is seen at once, what the second printed at its end. Either by itself is a plain run of pytest.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import run_jvm_tests
import run_web_tests
from counted import added, of_pytest, told

ROOT = Path(__file__).resolve().parent.parent
# The two halves take about as long: the toolkit's tests but for these, and all others.
MOVED = tuple(
    f"tests/fpm_edge/{room}/test_{name}.py"
    for room, name in (
        *(("model", "baselines"), ("train", "distribute"), ("train", "pipeline"), ("convert", "qat")),
        *(("train", "train"), ("convert", "convert")),
    )
)
FIRST = ("tests/fpm_edge", *(f"--ignore={name}" for name in MOVED))
OTHERS = sorted({f"tests/{path.relative_to(ROOT).parts[1]}" for path in ROOT.glob("tests/**/test_*.py")})
SECOND = (*(folder for folder in OTHERS if folder != "tests/fpm_edge"), "conformance/suite", *MOVED)


def main() -> None:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as later:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
        second = subprocess.Popen([*command, *SECOND], cwd=ROOT, stdout=later, stderr=subprocess.STDOUT)
        try:
            said = []
            with subprocess.Popen([*command, *FIRST], cwd=ROOT, stdout=subprocess.PIPE) as first:
                assert first.stdout is not None
                while part := first.stdout.read1():
                    said.append(part)
                    sys.stdout.buffer.write(part)
                    sys.stdout.buffer.flush()
            second.wait()
        finally:
            second.kill()
        later.seek(0)
        rest = later.read()
    print(rest, flush=True)
    counts = added(
        (
            told(of_pytest(b"".join(said).decode("utf-8", "replace")), first.returncode, "the toolkit's tests"),
            told(of_pytest(rest), second.returncode, "all other tests in Python"),
            run_web_tests.run(),
            run_jvm_tests.run(),
        )
    )
    print(f"tests: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(counts["failed"] > 0)


if __name__ == "__main__":
    main()
