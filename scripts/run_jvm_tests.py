"""The tests of the runtime for the JVM and Android: `mvn verify`, and the conformance suite with its client.

Without a JDK 17 and Maven they are skipped, and that is said.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from conformance_run import checked, conformance
from counted import Counts, added, of_maven

ROOT = Path(__file__).resolve().parent.parent
JVM = ROOT / "runtime" / "jvm"
CLIENT = JVM / "fpm-edge-conformance" / "target" / "client.jar"
LEAST_JDK = 17
# Left alone, a JVM on a large machine lets garbage lie beyond what a client may grow by.
HEAP = "-Xmx160m"


def main() -> None:
    counts = run()
    print(f"jvm: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(counts["failed"] > 0)


def run() -> Counts:
    """Build and run everything. How many tests passed, failed and were skipped."""
    missing = missing_jdk()
    if missing:
        print(f"jvm: skipped, {missing}", flush=True)
        return {"passed": 0, "failed": 0, "skipped": 1}
    command = ["mvn", "-B", "--no-transfer-progress", "verify"]
    ran = subprocess.run(command, cwd=JVM, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    units = checked(of_maven(ran.stdout), ran, "mvn verify")
    return added((units, conformance(f"java {HEAP} -jar {CLIENT.relative_to(ROOT)}"))) if CLIENT.exists() else units


def missing_jdk() -> str | None:
    """What is missing to run them, or None."""
    if shutil.which("javac") is None or shutil.which("mvn") is None:
        return f"there is no JDK or no Maven here; install JDK {LEAST_JDK} or later, and Maven 3.8 or later"
    said = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=True)
    found = re.search(r"javac (\d+)", said.stdout + said.stderr)
    if found is None or int(found[1]) < LEAST_JDK:
        return f"the JDK is {(said.stdout + said.stderr).strip()}; install {LEAST_JDK} or later"
    return None


if __name__ == "__main__":
    main()
