"""The zip container of a bundle, in the one form that is ever written.

All of a container's headers follow from the names, sizes and CRC-32 of its members. The reader therefore rebuilds
them and compares: a container that differs anywhere, by one bit of a time stamp or one byte between two members, is
refused. Members are STORED, sorted by name, and their bytes start at multiples of 64, so that they can be mapped.
"""

import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fpm_edge_runtime.errors import BundleError

__all__ = ["SIGNATURE", "Entry", "Layout", "is_allowed", "lay_out", "read_entries"]

SIGNATURE = "signature.json"
"""The member that `signature` reads; its name is here, because most bundles need no more of it."""

MAX_BUNDLE = 2**31 - 1  # all offsets fit the zip format's 32 bits, signed or not
MAX_MEMBER = 512 * 2**20
MAX_MEMBERS = 256

_ALIGNMENT = 64
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_EXTRA = struct.Struct("<3H")
_ALIGNMENT_EXTRA = 0xD935  # the extra field by which zipalign pads
_VERSION = 10  # plain stored files
_MADE_BY = 3 << 8 | _VERSION  # Unix
_ATTRIBUTES = 0o100644 << 16
_DATE = 1 << 5 | 1  # 1980-01-01, the zip format's zero

# What is parsed before anything vouches for it is small.
_LIMITS = {"manifest.json": 2**20, SIGNATURE: 2**10, "golden/golden.json": 2**22, "card.md": 2**24}

_ALLOWED = re.compile(
    r"manifest\.json|signature\.json|card\.md"
    r"|stages/(?:context|[1-9][0-9]?)\.(?:tflite|onnx)"
    r"|whole\.(?:tflite|onnx)|stages\.tflite"
    r"|reference/float\.fpm"
    r"|golden/golden\.json|golden/[0-9]{1,6}\.png"
)


@dataclass(frozen=True)
class Entry:
    """One member: its name, the size of its bytes and their CRC-32."""

    name: str
    size: int
    crc: int


@dataclass(frozen=True)
class Layout:
    """Everything in a container but the members' bytes.

    Attributes:
        headers: member name → the bytes before the member's own.
        offsets: member name → where the member's own bytes start.
        tail: what follows the last member.
        size: of the whole container.
    """

    headers: dict[str, bytes]
    offsets: dict[str, int]
    tail: bytes
    size: int


def is_allowed(name: str) -> bool:
    """Whether a bundle may have a member of this name."""
    return _ALLOWED.fullmatch(name) is not None


def lay_out(entries: Iterable[Entry]) -> Layout:
    """The one layout of these members. Raises BundleError if they are larger than a bundle may be."""
    headers, offsets, central = {}, {}, b""
    position = 0
    ordered = sorted(entries, key=lambda entry: entry.name)
    total = sum(entry.size for entry in ordered)
    if total > MAX_BUNDLE - 2**20:
        raise BundleError(f"the members have {total} bytes together; a bundle has at most {MAX_BUNDLE}")
    for entry in ordered:
        name = entry.name.encode("ascii")
        gap = -(position + _LOCAL.size + len(name)) % _ALIGNMENT
        if 0 < gap < _EXTRA.size:
            gap += _ALIGNMENT
        extra = _EXTRA.pack(_ALIGNMENT_EXTRA, gap - 4, _ALIGNMENT).ljust(gap, b"\0") if gap else b""
        common = (_VERSION, 0, 0, 0, _DATE, entry.crc, entry.size, entry.size, len(name))
        headers[entry.name] = _LOCAL.pack(b"PK\3\4", *common, len(extra)) + name + extra
        offsets[entry.name] = position + len(headers[entry.name])
        central += _CENTRAL.pack(b"PK\1\2", _MADE_BY, *common, 0, 0, 0, 0, _ATTRIBUTES, position) + name
        position = offsets[entry.name] + entry.size
    end = _END.pack(b"PK\5\6", 0, 0, len(ordered), len(ordered), len(central), position, 0)
    return Layout(headers, offsets, central + end, position + len(central) + len(end))


def read_entries(size: int, read: Callable[[int, int], bytes], where: str) -> tuple[dict[str, Entry], Layout]:
    """The members of a container, whose every header has been compared with the one layout.

    Args:
        size: of the container, bytes.
        read: (offset, size) → that many bytes of it.
        where: how messages name the container.

    Raises:
        BundleError: the container is anything but what `lay_out` describes.
    """
    entries = {entry.name: entry for entry in _parse_central(size, read, where)}
    layout = lay_out(entries.values())
    altered = BundleError(
        f"{where}: its zip headers are not those that fpm-edge writes, so it was altered, damaged or packed again "
        "by another tool; get the original file"
    )
    if layout.size != size or read(size - len(layout.tail), len(layout.tail)) != layout.tail:
        raise altered
    for name, header in layout.headers.items():
        if read(layout.offsets[name] - len(header), len(header)) != header:
            raise altered
    return entries, layout


def _parse_central(size: int, read: Callable[[int, int], bytes], where: str) -> list[Entry]:
    cut = BundleError(f"{where} is not a bundle, or was cut short; get the original file")
    if size < _END.size:
        raise cut
    if size > MAX_BUNDLE:
        raise BundleError(f"{where} has {size} bytes; a bundle has at most {MAX_BUNDLE}")
    signature, *_, count, length, start, comment = _END.unpack(read(size - _END.size, _END.size))
    if signature != b"PK\5\6" or comment or start + length + _END.size != size or count > MAX_MEMBERS:
        raise cut
    if length > MAX_MEMBERS * 2 * _CENTRAL.size:
        raise BundleError(f"{where}: its table of members has {length} bytes, far more than a bundle's")
    central = read(start, length)
    entries: list[Entry] = []
    while central:
        if len(central) < _CENTRAL.size or central[:4] != b"PK\1\2":
            raise cut
        (_, _, _, flags, method, _, _, crc, packed, unpacked, name_length, extra, remark, *_) = _CENTRAL.unpack_from(
            central
        )
        name = central[_CENTRAL.size : _CENTRAL.size + name_length].decode("ascii", "backslashreplace")
        _check_member(where, name, flags, method, packed, unpacked)
        if any(entry.name == name for entry in entries):
            raise BundleError(f"{where}: member {name!r} occurs twice; get the original file")
        entries.append(Entry(name, unpacked, crc))
        central = central[_CENTRAL.size + name_length + extra + remark :]
    if len(entries) != count or sum(entry.size for entry in entries) > size:
        raise cut
    return entries


def _check_member(where: str, name: str, flags: int, method: int, packed: int, unpacked: int) -> None:
    if not is_allowed(name):
        raise BundleError(f"{where}: member {name!r} does not belong in a bundle; get the original file")
    if flags & 1:
        raise BundleError(f"{where}: member {name} is encrypted; expected a plain bundle")
    if method != 0 or packed != unpacked:
        raise BundleError(f"{where}: member {name} is compressed; expected STORED members; get the original file")
    limit = _LIMITS.get(name, MAX_MEMBER)
    if unpacked > limit:
        raise BundleError(f"{where}: member {name} has {unpacked} bytes; at most {limit} are allowed")
