"""A zip writer that writes whatever it is told to, right or wrong.

Told nothing, it writes a bundle's own form byte for byte, so that an attack made with it differs from a good bundle in
nothing but the attack. It shares no code with the runtime.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Member", "pack"]


@dataclass
class Member:
    """One member.

    name, data: as they are. stored: the bytes in the file, if they are not `data`. local, central: header fields to be
    other than they should be, of: made, version, flags, method, time, date, crc, packed, size, name, extra, comment,
    disk, internal, external, offset. after: bytes behind its own.
    """

    name: bytes
    data: bytes = b""
    stored: bytes | None = None
    local: dict[str, int | bytes] = field(default_factory=dict)
    central: dict[str, int | bytes] = field(default_factory=dict)
    after: bytes = b""


def pack(
    members: Sequence[Member],
    *,
    before: bytes = b"",
    between: bytes = b"",
    comment: bytes = b"",
    end: dict[str, int] | None = None,
) -> bytes:
    """The file. Members are written in the order given.

    Args:
        before: bytes before the first member; offsets count from the start of the file.
        between: bytes between the table of members and the end record.
        comment: of the file.
        end: fields of the end record to be otherwise, of: disk, start_disk, here, count, length, start, comment.
    """
    body, table = before, b""
    for member in members:
        offset = len(body)
        stored = member.data if member.stored is None else member.stored
        right: dict[str, int | bytes] = {
            "made": 0x030A, "version": 10, "flags": 0, "method": 0, "time": 0, "date": 0x21,
            "crc": zlib.crc32(member.data), "packed": len(stored), "size": len(member.data), "name": member.name,
            "extra": b"", "comment": b"", "disk": 0, "internal": 0, "external": 0o100644 << 16, "offset": offset,
        }  # fmt: skip
        gap = -(offset + 30 + len(member.name)) % 64
        gap += 64 if 0 < gap < 6 else 0
        padding = struct.pack("<3H", 0xD935, gap - 4, 64).ljust(gap, b"\0") if gap else b""
        body += _local({**right, "extra": padding, **member.local}) + stored + member.after
        table += _central({**right, **member.central})
    fields = {"disk": 0, "start_disk": 0, "here": len(members), "count": len(members), "length": len(table)}
    fields |= {"start": len(body), "comment": len(comment), **(end or {})}
    record = struct.pack("<4s4H2IH", b"PK\5\6", *fields.values())
    return body + table + between + record + comment


def _local(f: dict[str, int | bytes]) -> bytes:
    name, extra = f["name"], f["extra"]
    assert isinstance(name, bytes)
    assert isinstance(extra, bytes)
    common = (f[key] for key in ("version", "flags", "method", "time", "date", "crc", "packed", "size"))
    return struct.pack("<4s5H3I2H", b"PK\3\4", *common, len(name), len(extra)) + name + extra


def _central(f: dict[str, int | bytes]) -> bytes:
    name, extra, comment = f["name"], f["extra"], f["comment"]
    assert isinstance(name, bytes)
    assert isinstance(extra, bytes)
    assert isinstance(comment, bytes)
    common = (f[key] for key in ("made", "version", "flags", "method", "time", "date", "crc", "packed", "size"))
    rest = (f[key] for key in ("disk", "internal", "external", "offset"))
    lengths = (len(name), len(extra), len(comment))
    return struct.pack("<4s6H3I5H2I", b"PK\1\2", *common, *lengths, *rest) + name + extra + comment
