"""What is in a zip file."""

import zipfile
from pathlib import Path


def unzipped(path: Path) -> dict[str, bytes]:
    """Name → bytes of every member."""
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}
