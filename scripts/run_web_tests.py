"""The tests of the web runtime: units in Node, the page in a browser, and the conformance suite through Node.

Without Node 20 or later they are skipped, and that is said; without Chromium, those in a browser skip themselves.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "runtime" / "web"
CLIENT = "node runtime/web/build/conformance/client.js"
LEAST_NODE = 20
_INSTALLED = WEB / "node_modules" / ".package-lock.json"
_COUNT = re.compile(r"^# (pass|fail|cancelled|skipped|todo) (\d+)$", re.MULTILINE)


def main() -> None:
    counts = run()
    print(f"web: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(counts["failed"] > 0)


def run() -> dict[str, int]:
    """Install what is missing, build, run. How many tests passed, failed and were skipped."""
    missing = missing_node()
    if missing:
        print(f"web: skipped, {missing}", flush=True)
        return {"passed": 0, "failed": 0, "skipped": 1}
    install()
    for step in ("build", "compile-tests"):
        subprocess.run(["npm", "run", "--silent", step], cwd=WEB, check=True)
    command = ["node", "--test", "--test-reporter=tap", "build/test/"]
    ran = subprocess.run(command, cwd=WEB, stdout=subprocess.PIPE, text=True, check=False)
    found = {kind: int(number) for kind, number in _COUNT.findall(ran.stdout)}
    failed = found.get("fail", 0) + found.get("cancelled", 0)
    if failed or ran.returncode or not found:
        print(ran.stdout)
    for reason, number in sorted(_skips(ran.stdout).items()):
        print(f"web: {number} skipped: {reason}")
    return {
        "passed": found.get("pass", 0),
        "failed": failed or int(ran.returncode != 0 or not found),
        "skipped": found.get("skipped", 0) + found.get("todo", 0),
    }


def missing_node() -> str | None:
    """What is missing to run them, or None."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return f"there is no Node here; install Node {LEAST_NODE} or later"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < LEAST_NODE:
        return f"Node is {version}; install {LEAST_NODE} or later"
    return None


def install() -> None:
    """The packages that the lock names, if they are not there."""
    lock = WEB / "package-lock.json"
    if not _INSTALLED.exists() or _INSTALLED.stat().st_mtime < lock.stat().st_mtime:
        # No package's own scripts: that of onnxruntime-node fetches a library for CUDA.
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=WEB, check=True)


def _skips(tap: str) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for reason in re.findall(r"^\s*ok \d+ - .* # SKIP ?(.*)$", tap, re.MULTILINE):
        reasons[reason or "no reason given"] = reasons.get(reason or "no reason given", 0) + 1
    return reasons


if __name__ == "__main__":
    main()
