"""How many rooms each package has, and how many arrows of import are between them.

    python scripts/import_arrows.py

A room is a folder of the package, or a file beside the folders. An arrow goes from one that imports (at a module's top,
in a function, or for types only) to one that is imported.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("fpm_edge", "runtime/fpm_edge_runtime")


def rooms_and_arrows(folder: Path) -> tuple[set[str], set[tuple[str, str]]]:
    """The rooms of a package, and pairs of the one that uses and the one that is used."""
    rooms, arrows = set(), set()
    for path in folder.rglob("*.py"):
        room = path.relative_to(folder).with_suffix("").parts[0]
        if room != "__init__":
            rooms.add(room)
            arrows |= {(room, used) for used in _used(path, folder) if used != room}
    return rooms, arrows


def _used(path: Path, folder: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            package, _, inner = node.module.partition(".")
            if package == folder.name and inner:
                yield inner.partition(".")[0]
            elif package == folder.name:
                yield from (alias.name for alias in node.names if list(folder.glob(f"{alias.name}*")))


if __name__ == "__main__":
    for package in PACKAGES:
        rooms, arrows = rooms_and_arrows(ROOT / package)
        print(f"{package}: {len(rooms)} rooms, {len(arrows)} arrows")
