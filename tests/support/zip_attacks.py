"""Zip files that are no bundle, each a good bundle that is wrong in one way, and what the refusal must say."""

import bz2
import hashlib
import json
import lzma
import struct
import zlib
from collections.abc import Callable

from raw_zip import Member, pack
from small_bundle import small_bundle

__all__ = ["ZIP_ATTACKS", "good", "members_of"]

_HEADERS = "zip headers are not those"
_STRANGER = "does not belong in a bundle"
_CUT = "is not a bundle, or was cut short"
_PACKED = "is compressed"
_TWICE = "occurs twice"


def good() -> list[Member]:
    """The members of a good bundle."""
    return members_of(small_bundle())


def members_of(content: bytes) -> list[Member]:
    """The members of a good bundle, read without the runtime."""
    (_, *_, count, length, start, _) = struct.unpack("<4s4H2IH", content[-22:])
    table, members = content[start : start + length], []
    for _ in range(count):
        (*_, size, name_length, _, _, _, _, _, offset) = struct.unpack("<4s6H3I5H2I", table[:46])
        name, table = table[46 : 46 + name_length], table[46 + name_length :]
        first = offset + 30 + sum(struct.unpack("<2H", content[offset + 26 : offset + 30]))
        members.append(Member(name, content[first : first + size]))
    return members


def _sealed(members: list[Member]) -> list[Member]:
    """Sorted, with a digest of every member in the manifest, so that only the attack itself is wrong."""
    kept = [member for member in members if member.name != b"manifest.json"]
    (manifest,) = (json.loads(member.data) for member in members if member.name == b"manifest.json")
    manifest["digests"] = {m.name.decode("latin-1"): hashlib.sha256(m.data).hexdigest() for m in kept}
    return sorted([*kept, Member(b"manifest.json", json.dumps(manifest).encode())], key=lambda m: m.name)


def _with(name: bytes, data: bytes = b"x", **fields: dict[str, int | bytes]) -> bytes:
    return pack(_sealed([*good(), Member(name, data, **fields)]))  # type: ignore[arg-type]


def _card(change: Callable[[Member], None]) -> bytes:
    """The good bundle, with its card.md changed."""
    members = good()
    change(members[0])
    assert members[0].name == b"card.md"
    return pack(members)


def _set(**fields: int | bytes) -> Callable[[Member], None]:
    """Change fields of both headers."""

    def change(member: Member) -> None:
        member.local |= fields
        member.central |= fields

    return change


def _local(**fields: int | bytes) -> Callable[[Member], None]:
    return lambda member: member.local.update(fields)


def _central(**fields: int | bytes) -> Callable[[Member], None]:
    return lambda member: member.central.update(fields)


def _compressed(method: int, compress: Callable[[bytes], bytes]) -> bytes:
    def change(member: Member) -> None:
        member.stored = compress(member.data)
        _set(method=method)(member)

    return _card(change)


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def _descriptor(member: Member) -> None:
    member.after = struct.pack("<4s3I", b"PK\7\x08", zlib.crc32(member.data), len(member.data), len(member.data))
    member.local |= {"flags": 8, "crc": 0, "packed": 0, "size": 0}
    member.central |= {"flags": 8}


def _zip64(member: Member) -> None:
    extra = struct.pack("<2H2Q", 1, 16, len(member.data), len(member.data))
    _set(packed=0xFFFFFFFF, size=0xFFFFFFFF, extra=extra)(member)


def _zip64_end(content: bytes) -> bytes:
    """A zip64 end record and its locator before the end record, which then says "see there" everywhere."""
    (_, *_, count, length, start, _) = struct.unpack("<4s4H2IH", content[-22:])
    there = len(content) - 22
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, start)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, there, 1)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return content[:-22] + record + locator + end


def _overlapping() -> bytes:
    """Two members of the table, one place in the file: what a zip bomb of overlapping members is made of."""
    members = good()
    (golden,) = (member for member in members if member.name == b"golden/0.png")
    size: dict[str, int | bytes] = {"packed": len(golden.data)}
    members.insert(2, Member(b"golden/1.png", golden.data, stored=b"", local=size, central=size))
    content = pack(_sealed(members))
    table = content.index(b"PK\1\2")
    first, second = (content.index(name, table) - 46 for name in (b"golden/0.png", b"golden/1.png"))
    return content[: second + 42] + content[first + 42 : first + 46] + content[second + 46 :]


def _gigabytes(name: bytes, size: int) -> bytes:
    return _with(name, central={"packed": size, "size": size})


def _many_gigabytes() -> bytes:
    """Each member is small enough; together they are beyond what an offset can say."""
    claim: dict[str, int | bytes] = {"packed": 2**29, "size": 2**29}
    return pack([*good(), *(Member(b"golden/%06d.png" % i, central=claim) for i in range(200))])


def _nested(depth: int) -> bytes:
    """A bundle as the reference of a bundle as the reference of ..."""
    content = small_bundle()
    for _ in range(depth):
        content = pack(_sealed([*good(), Member(b"reference/float.fpm", content)]))
    return content


def _second_end() -> bytes:
    """Another end record, with an empty table, behind the real one: as its comment, or as the last."""
    return pack(good(), comment=struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0, 0, 0, 0, 0))


def _two_tables() -> bytes:
    """Two whole archives, one behind the other; the last table is right if counted from the second's start."""
    return small_bundle() + small_bundle()


def _case_twice() -> bytes:
    return pack(_sealed([*good(), Member(b"CARD.md", b"another")]))


def _names_disagree() -> bytes:
    return _card(_local(name=b"card.mD"))


ZIP_ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    # ---- names ----
    "zip slip": (lambda: _with(b"../../evil.sh"), _STRANGER),
    "slip inside a folder": (lambda: _with(b"stages/../../evil.sh"), _STRANGER),
    "slip that ends at a real name": (lambda: _with(b"stages/../card.md"), _STRANGER),
    "absolute path": (lambda: _with(b"/etc/passwd"), _STRANGER),
    "doubled slash": (lambda: _with(b"stages//1.onnx"), _STRANGER),
    "dot in the path": (lambda: _with(b"./card.md"), _STRANGER),
    "backslash": (lambda: _with(b"stages\\2.onnx"), _STRANGER),
    "backslash slip": (lambda: _with(b"..\\..\\evil.exe"), _STRANGER),
    "drive letter": (lambda: _with(b"C:\\evil.exe"), _STRANGER),
    "drive letter, relative": (lambda: _with(b"C:card.md"), _STRANGER),
    "share": (lambda: _with(b"\\\\host\\share\\card.md"), _STRANGER),
    "stream of a file": (lambda: _with(b"card.md:hidden"), _STRANGER),
    "device name": (lambda: _with(b"NUL"), _STRANGER),
    "NUL in the name": (lambda: _with(b"card.md\0.exe"), _STRANGER),
    "new line in the name": (lambda: _with(b"card.md\n"), _STRANGER),
    "escape sequence in the name": (lambda: _with(b"\x1b[2Jcard.md"), _STRANGER),
    "space behind the name": (lambda: _with(b"card.md "), _STRANGER),
    "dot behind the name": (lambda: _with(b"card.md."), _STRANGER),
    "empty name": (lambda: _with(b""), _STRANGER),
    "name of 10,000 bytes": (lambda: _with(b"a" * 10_000), _STRANGER),
    "name of 60,000 bytes": (lambda: _with(b"a" * 60_000), "far more than a bundle's"),
    "letter that looks the same": (lambda: _with("c\u0430rd.md".encode()), _STRANGER),
    "letter that looks the same, flagged as UTF-8": (
        lambda: _with("c\u0430rd.md".encode(), local={"flags": 0x800}, central={"flags": 0x800}), _STRANGER,
    ),
    "full-width slash": (lambda: _with("stages\uff0f2.onnx".encode()), _STRANGER),
    "direction override": (lambda: _with("card\u202edm.md".encode()), _STRANGER),
    "overlong UTF-8 of a slash": (lambda: _with(b"..\xc0\xafevil"), _STRANGER),
    "name in another code page": (lambda: _with(b"c\x84rd.md"), _STRANGER),
    "digit of another script": (lambda: _with("golden/\u0661.png".encode()), _STRANGER),
    "picture without a number": (lambda: _with(b"golden/x.png"), _STRANGER),
    "number with a zero before it": (lambda: _with(b"stages/01.onnx"), _STRANGER),
    "flag for UTF-8 names": (lambda: _card(_set(flags=0x800)), _HEADERS),
    "other name by an extra field": (
        lambda: _card(_central(extra=struct.pack("<2HBI", 0x7075, 12, 1, zlib.crc32(b"card.md")) + b"evil.sh")),
        _HEADERS,
    ),
    # ---- duplicates, folders, links ----
    "duplicate": (lambda: pack([good()[0], *good()]), _TWICE),
    "duplicate manifest": (lambda: pack(sorted([*good(), good()[3]], key=lambda m: m.name)), _TWICE),
    "duplicate but for case": (_case_twice, _STRANGER),
    "folder": (lambda: _with(b"stages/", b""), _STRANGER),
    "folder by its attributes": (lambda: _card(_central(external=0o40755 << 16 | 0x10)), _HEADERS),
    "symbolic link": (lambda: _card(_central(external=0o120777 << 16)), _HEADERS),
    "device file": (lambda: _card(_central(external=0o20666 << 16)), _HEADERS),
    "set-uid": (lambda: _card(_central(external=0o104755 << 16)), _HEADERS),
    # ---- how a member is stored ----
    "deflated": (lambda: _compressed(8, _raw_deflate), _PACKED),
    "deflate64": (lambda: _compressed(9, _raw_deflate), _PACKED),
    "bzip2": (lambda: _compressed(12, bz2.compress), _PACKED),
    "lzma": (lambda: _compressed(14, lzma.compress), _PACKED),
    "zstandard by its number": (lambda: _card(_set(method=93)), _PACKED),
    "stored here, deflated there": (lambda: _card(_local(method=8)), _HEADERS),
    "a gigabyte of zeros, deflated": (
        lambda: _card(lambda m: (_set(method=8, size=2**30)(m), setattr(m, "stored", _raw_deflate(bytes(2**20))))[0]),
        _PACKED,
    ),
    "encrypted": (lambda: _card(_set(flags=1)), "is encrypted"),
    "strongly encrypted": (lambda: _card(_set(flags=0x41)), "is encrypted"),
    "encrypted there only": (lambda: _card(_local(flags=1)), _HEADERS),
    "data descriptor": (lambda: _card(_descriptor), _HEADERS),
    "zip64 sizes": (lambda: _card(_zip64), "has 4294967295 bytes"),
    "zip64 end record": (lambda: _zip64_end(small_bundle()), _CUT),
    "patched data": (lambda: _card(_set(flags=0x20)), _HEADERS),
    # ---- sizes and places ----
    "member of 512 MB and a byte": (lambda: _gigabytes(b"stages/2.onnx", 2**29 + 1), "at most 536870912"),
    "member larger than the file": (lambda: _gigabytes(b"stages/2.onnx", 2**29), _CUT),
    "manifest larger than a megabyte": (
        lambda: pack([m if m.name != b"manifest.json" else Member(m.name, m.data.ljust(2**20 + 1)) for m in good()]),
        "at most 1048576",
    ),
    "200 members of 512 MB": (_many_gigabytes, _CUT),
    "300 members": (
        lambda: pack(_sealed([*good(), *(Member(b"golden/%06d.png" % i) for i in range(300))])), _CUT,
    ),
    "size 0 there": (lambda: _card(_local(size=0, packed=0)), _HEADERS),
    "one byte less in both": (lambda: _card(_set(size=9, packed=9)), _HEADERS),
    "packed size unlike size": (lambda: _card(_set(packed=9)), _PACKED),
    "overlapping members": (_overlapping, _HEADERS),
    "place in the table of another member": (lambda: _card(_central(offset=64)), _HEADERS),
    "place beyond the file": (lambda: _card(_central(offset=0xFFFFFFF0)), _HEADERS),
    "other order": (lambda: pack(good()[::-1]), _HEADERS),
    "other disk": (lambda: _card(_central(disk=1)), _HEADERS),
    # ---- around the members ----
    "prepended data": (lambda: b"#!/bin/sh\n" + small_bundle(), _CUT),
    "prepended data, places corrected": (lambda: pack(good(), before=b"#!/bin/sh\n"), _HEADERS),
    "appended data": (lambda: small_bundle() + b"\0", _CUT),
    "comment": (lambda: pack(good(), comment=b"hello"), _CUT),
    "comment that is said to be there": (lambda: pack(good(), end={"comment": 5}), _CUT),
    "two end records": (_second_end, _CUT),
    "two archives": (_two_tables, _CUT),
    "data between table and end": (lambda: pack(good(), between=b"hidden"), _CUT),
    "data between two members": (lambda: _card(lambda member: setattr(member, "after", bytes(64))), _HEADERS),
    "archive on several disks": (lambda: pack(good(), end={"disk": 1, "start_disk": 1}), _HEADERS),
    "more members on this disk than in all": (lambda: pack(good(), end={"here": 99}), _HEADERS),
    "more members than in the table": (lambda: pack(good(), end={"count": 6, "here": 6}), _CUT),
    "fewer members than in the table": (lambda: pack(good(), end={"count": 4, "here": 4}), _CUT),
    "table of four gigabytes": (lambda: pack(good(), end={"length": 0xFFFFFFFF}), _CUT),
    "table before the file": (lambda: pack(good(), end={"start": 0xFFFFFFFF}), _CUT),
    "nothing but an end record": (lambda: pack([]), "manifest.json is missing"),
    # ---- table and members disagree ----
    "other name there": (_names_disagree, _HEADERS),
    "longer name there": (lambda: _card(_local(name=b"stages/9.onnx")), _HEADERS),
    "other checksum there": (lambda: _card(_local(crc=0)), _HEADERS),
    "other time there": (lambda: _card(_local(time=1)), _HEADERS),
    "extra field": (lambda: _card(_central(extra=b"\x99\x99\2\0hi")), _HEADERS),
    "extra field there": (lambda: _card(_local(extra=b"\x99\x99\2\0hi")), _HEADERS),
    "remark on a member": (lambda: _card(_central(comment=b"hello")), _HEADERS),
    "made by another system": (lambda: _card(_central(made=0x0014)), _HEADERS),
    "newer version needed": (lambda: _card(_set(version=63)), _HEADERS),
    "something in the padding": (
        lambda: small_bundle().replace(struct.pack("<H", 64) + bytes(4), struct.pack("<H", 64) + b"evil", 1), _HEADERS,
    ),
    # ---- what only reading finds ----
    "wrong checksum in both": (lambda: _card(_set(crc=0)), "is damaged"),
    "other data, right checksum": (
        lambda: _card(lambda m: setattr(m, "data", b"# Evil\n")), "does not have the SHA-256",
    ),
    "manifest with a wrong checksum": (
        lambda: pack([m if m.name != b"manifest.json" else _wrong_sum(m) for m in good()]), "is damaged",
    ),
    "bundle in a bundle in a bundle": (lambda: _nested(2), "has a reference of its own"),
    "twenty bundles in each other": (lambda: _nested(20), "has a reference of its own"),
    "reference that is no bundle": (lambda: _with(b"reference/float.fpm", b"PK"), "is not a bundle"),
}  # fmt: skip


def _wrong_sum(member: Member) -> Member:
    _set(crc=0)(member)
    return member
