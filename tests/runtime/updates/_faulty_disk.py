"""Installs, boots or confirms on a disk that fails at its first operation, then at its second, and so on to the last.

    python _faulty_disk.py install|boot|confirm PREPARED BUNDLE RESULTS FAULT...

Each time a copy of the folder PREPARED is made in RESULTS, and a forked process works in it. Prints one JSON object a
line. Counted are open for writing, write, fsync, replace, chmod, unlink and mkdir, below pathlib and tempfile. Faults:

kill: the process ends as SIGKILL ends it, instead of the operation.
power: so it does, and what was not flushed to disk is lost; also where it ends by itself.
short: half is written, and the next write finds no space.
ENOSPC, EROFS, EIO: from then on every operation of that kind fails so.
"""

import errno
import json
import os
import pathlib
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fpm_edge_runtime.errors import FpmEdgeError
from fpm_edge_runtime.updates.slots import Slots

COUNTED = ("open", "write", "fsync", "replace", "chmod", "unlink", "mkdir")
REAL: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in COUNTED}
REAL["fsync"] = lambda file: None  # slow, and what it is for is simulated here


def put(name: str, operation: Callable[..., Any]) -> None:
    """Have `os`, and what is above it, use this function."""
    setattr(os, name, operation)
    # Python 3.10's pathlib keeps the functions that it found when it was imported; its `open` is not one of os.
    accessor = getattr(pathlib, "_NormalAccessor", None)
    if name != "open" and hasattr(accessor, name):
        setattr(accessor, name, staticmethod(operation))


class Disk:
    """Counts operations, and fails at one of them.

    Not flushed are: the content of files since their last fsync, and renames since the last fsync of a folder.
    """

    def __init__(self, folder: Path, fault: str, at: int) -> None:
        self.folder, self.fault, self.at = folder, fault, at
        self.operations: list[str] = []
        self.failed = ""  # the operation that fails
        self.unflushed: set[int] = set()  # inodes
        self.renames: list[tuple[Path, bytes | None]] = []  # a place, and what was there before

    def insert(self) -> None:
        for name in COUNTED:
            put(name, self.wrap(name))

    def remove(self) -> None:
        for name, real in REAL.items():
            put(name, real)

    def wrap(self, name: str) -> Callable[..., Any]:
        def operation(*arguments: Any, **named: Any) -> Any:
            if name == "open" and not arguments[1] & (os.O_WRONLY | os.O_RDWR):
                return REAL[name](*arguments, **named)
            self.operations.append(name)
            if len(self.operations) == self.at:
                self.failed = name
            if name == self.failed:
                if self.fault != "short":
                    self.fail()
                elif name == "write" and len(self.operations) == self.at:
                    return REAL["write"](arguments[0], arguments[1][: len(arguments[1]) // 2])
                else:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.do(name, arguments, named)

        return operation

    def do(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if name == "write":
            self.unflushed.add(os.fstat(arguments[0]).st_ino)
        if name == "replace":
            place = Path(arguments[1])
            self.renames.append((place, place.read_bytes() if place.exists() else None))
        if name == "fsync":
            self.unflushed.discard(os.fstat(arguments[0]).st_ino)
            if os.fstat(arguments[0]).st_ino == self.folder.stat().st_ino:
                self.renames.clear()
        return REAL[name](*arguments, **named)

    def fail(self) -> None:
        if self.fault == "power":
            self.lose()
        if self.fault in ("kill", "power"):
            os.kill(os.getpid(), signal.SIGKILL)
        code = getattr(errno, self.fault)
        raise OSError(code, os.strerror(code))

    def lose(self) -> None:
        self.remove()
        for path in self.folder.iterdir():
            if path.stat().st_ino in self.unflushed:
                os.truncate(path, 0)
        for place, before in reversed(self.renames[len(self.renames) // 2 :]):  # a disk may keep the earlier ones
            if before is None:
                place.unlink()
            else:
                place.write_bytes(before)


def act(action: str, folder: Path, bundle: str, fault: str, at: int) -> dict[str, Any]:
    """Do it, and say how it went; `answer` is what `Slots` returned, in short."""
    disk = Disk(folder, fault, at)
    slots = Slots(folder)
    answer, error = "", ""
    disk.insert()
    try:
        if action == "install":
            answer = slots.install(bundle, sequence=2).slot
        elif action == "boot":
            answer = slots.boot().bundle.manifest.name
        else:
            answer = slots.confirm()
    except FpmEdgeError as caught:
        error = f"{type(caught).__name__}: {caught}"
    finally:
        disk.remove()
    if fault == "power":
        disk.lose()  # what it said it did must be there even if the power fails right after
    renamed = "replace" in disk.operations[: at - 1]
    return {
        "answer": answer,
        "error": error,
        "operation": disk.failed,
        "count": len(disk.operations),
        "renamed": renamed,
    }


def in_child(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Its result from a forked process, and ``signal``: what killed that, 0 for nothing."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        said = file.read()
    _, status = os.waitpid(child, 0)
    return {**(json.loads(said) if said else {}), "signal": os.WTERMSIG(status)}


def main() -> None:
    action, prepared, bundle, results, *faults = sys.argv[1:]
    for fault in faults:
        at = 0
        while True:
            at += 1
            folder = Path(results) / f"{fault}-{at}"
            shutil.copytree(prepared, folder)
            found = in_child(lambda: act(action, folder, bundle, fault, at))  # noqa: B023
            print(json.dumps({"fault": fault, "at": at, "folder": str(folder), **found}))
            if found.get("count", at) < at:
                break


if __name__ == "__main__":
    main()
