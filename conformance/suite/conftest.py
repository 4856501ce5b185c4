"""The client that is tested, what it is given, and the counts at the end."""

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.clients.pieces import reads_uint8
from conformance.suite.bundles import plain_bundles, tiny_bundle, write_keys
from conformance.suite.client import Client
from conformance.suite.pictures import Files

ROOT = Path(__file__).resolve().parents[2]
_ANSWERS: Counter[str] = Counter()


class Running:
    """The client's process; a new one where the last is gone. `folder` is for files that it reads."""

    def __init__(self, command: str, errors: Path) -> None:
        self.command, self.folder, self._errors = command, errors.parent, errors
        self._client: Client | None = None

    def get(self) -> Client:
        """The one that runs."""
        if self._client is None or not self._client.alive:
            self.end()
            self._client = Client(self.command, self._errors)
        return self._client

    def anew(self) -> Client:
        """Another one."""
        self.end()
        return self.get()

    def end(self) -> None:
        """End the one that runs."""
        if self._client is not None:
            self._client.end()
        self._client = None


def pytest_addoption(parser: pytest.Parser) -> None:
    python = f"{sys.executable} {ROOT / 'conformance' / 'clients' / 'python.py'}"
    parser.addoption("--client", default=python, metavar="COMMAND", help="the client that is tested")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*abilities): skipped for clients without them")


@pytest.fixture(scope="session")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    errors = tmp_path_factory.mktemp("client") / "stderr.txt"
    running = Running(request.config.getoption("client"), errors)
    _HELLO.update(running.get().hello)
    yield running
    running.end()


@pytest.fixture
def client(request: pytest.FixtureRequest, running: Running) -> Iterator[Client]:
    """The client, in whatever state the last test left it."""
    found = running.get()
    for marker in request.node.iter_markers("needs"):
        for ability in marker.args:
            if ability not in found.abilities:
                pytest.skip(f"the client is not able to: {ability}")
            if ability == "uint8_maps" and not reads_uint8():
                pytest.skip(f"the reference is not able to: {ability}")
    before = found.answers
    yield found
    _ANSWERS[_area(request.node.nodeid)] += found.answers - before


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("numbers"))


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Name → path of `plain_bundles`."""
    folder = tmp_path_factory.mktemp("bundles")
    paths = {}
    for name, content in plain_bundles().items():
        paths[name] = folder / f"{name}.fpm"
        paths[name].write_bytes(content)
    return paths


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the tiny test network: int8, two stages and a context, in both formats."""
    folder = tmp_path_factory.mktemp("tiny")
    _run(ROOT / "tests" / "runtime" / "_tiny_network.py", folder)
    path = folder / "tiny.fpm"
    path.write_bytes(tiny_bundle({model.name: model.read_bytes() for model in folder.iterdir()}))
    return path


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Precision → a bundle of the weights of a shipped model."""
    folder = tmp_path_factory.mktemp("real")
    _run(Path(__file__).with_name("make_real.py"), folder)
    return {path.stem: path for path in folder.glob("*.fpm")}


def _run(program: Path, folder: Path) -> None:
    done = subprocess.run([sys.executable, program, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Name → path of `write_keys`."""
    return write_keys(tmp_path_factory.mktemp("keys"))


# ---- counts ----

_HELLO: dict[str, Any] = {}
_HERE = "conformance/suite/"


def _area(nodeid: str) -> str:
    return Path(nodeid.partition("::")[0]).stem.removeprefix("test_")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    reasons: Counter[str] = Counter()
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            if _HERE not in getattr(report, "nodeid", "") or outcome not in ("passed", "failed", "error", "skipped"):
                continue
            counts[_area(report.nodeid)]["failed" if outcome == "error" else outcome] += 1
            if outcome == "skipped":
                reasons[str(report.longrepr[2]).removeprefix("Skipped: ")] += 1
    if not counts:
        return
    write = terminalreporter.write_line
    write("")
    write(f"conformance of {_HELLO.get('runtime', 'a client that did not start')} {_HELLO.get('version', '')}")
    write(f"{'area':<14}{'passed':>8}{'failed':>8}{'skipped':>9}{'answers':>9}")
    for area in sorted(counts):
        found = counts[area]
        write(f"{area:<14}{found['passed']:>8}{found['failed']:>8}{found['skipped']:>9}{_ANSWERS[area]:>9}")
    total = sum(counts.values(), Counter())
    write(f"{'in all':<14}{total['passed']:>8}{total['failed']:>8}{total['skipped']:>9}{sum(_ANSWERS.values()):>9}")
    for reason, count in reasons.most_common():
        write(f"skipped {count}: {reason}")
