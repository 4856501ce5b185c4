"""The tests of the web runtime: units in Node, the page in a browser, the conformance suite in Node and in a page.

Without Node 20 or later they are skipped, and that is said; without Chromium, those in a browser are.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from conformance_run import checked, conformance
from counted import Counts, added, of_node

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "runtime" / "web"
PAGE = ROOT / "examples" / "web"
LEAST_NODE = 20
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


def main() -> None:
    counts = run()
    print(f"web: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(counts["failed"] > 0)


def run() -> Counts:
    """Install what is missing, build, run everything. How many tests passed, failed and were skipped."""
    missing = missing_node()
    if missing:
        print(f"web: skipped, {missing}", flush=True)
        return {"passed": 0, "failed": 0, "skipped": 1}
    try:
        install(WEB)
        for step in ("build", "compile-tests"):
            subprocess.run(["npm", "run", "--silent", step], cwd=WEB, check=True)
        install(PAGE)
    except subprocess.CalledProcessError as error:
        print(f"web: {error}", flush=True)
        return {"passed": 0, "failed": 1, "skipped": 0}
    all_counts = [units(), conformance(client("client"))]
    if Path(CHROMIUM).exists():
        all_counts.append(conformance(client("page-client")))
    else:
        print("web: the conformance suite in a page is skipped, there is no Chromium", flush=True)
        all_counts.append({"passed": 0, "failed": 0, "skipped": 1})
    return added(all_counts)


def missing_node() -> str | None:
    """What is missing to run them, or None."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return f"there is no Node here; install Node {LEAST_NODE} or later"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < LEAST_NODE:
        return f"Node is {version}; install {LEAST_NODE} or later"
    return None


def install(folder: Path) -> None:
    """The packages that the folder's lock names, if they are not there."""
    installed, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        # No package's own scripts: that of onnxruntime-node fetches a library for CUDA.
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)


def client(name: str) -> str:
    """The command of one of the clients, from the project's folder."""
    return f"node {(WEB / 'build' / 'conformance' / f'{name}.js').relative_to(ROOT)}"


def units() -> Counts:
    """The package's own tests, those in a browser among them."""
    command = ["node", "--test", "--test-reporter=tap", "build/test/"]
    ran = subprocess.run(command, cwd=WEB, stdout=subprocess.PIPE, text=True, check=False)
    for reason in sorted(set(re.findall(r"^\s*ok \d+ - .* # SKIP ?(.*)$", ran.stdout, re.MULTILINE))):
        print(f"web: skipped: {reason or 'no reason given'}", flush=True)
    return checked(of_node(ran.stdout), ran, "node --test")


if __name__ == "__main__":
    main()
