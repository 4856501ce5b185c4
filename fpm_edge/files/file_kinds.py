"""Kinds of files that commands write, told by the first bytes: what an output may take the place of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

__all__ = [
    "ANY",
    "AVI",
    "BENCH",
    "BUNDLE",
    "CACHE",
    "DRAWN",
    "DRAWN_BY",
    "JSON",
    "MP4",
    "PNG",
    "SAFETENSORS",
    "SVG",
    "TEXT",
    "Kind",
    "beginning",
    "kind_named",
    "looks_like",
]

_HEAD = 4096
# What `overlay.drawn_png` writes into the pictures that it makes.
DRAWN_BY = ("Software", "fpm-edge")

_PNG = b"\x89PNG\r\n\x1a\n"
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        words: such as ``a bundle``.
        fits: whether a file that begins with these bytes is of it.
    """

    words: str
    fits: Callable[[bytes], bool]


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        # The last character may be cut.
        head[: max(1, len(head) - 4)].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end == len(head)
    return True


def _is_json(head: bytes) -> bool:
    return head.lstrip()[:1] in (b"{", b"[") and _is_text(head)


def _begins(head: bytes, words: bytes) -> bool:
    """Whether a JSON text begins with these, blanks apart; it may end before."""
    compact = b"".join(head.split())
    return compact.startswith(words) or words.startswith(compact)


def _is_bundle(head: bytes) -> bool:
    """By the name of the first member, in alphabetical order."""
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    return head.startswith(_ZIP) and first.startswith((b"card.md", b"golden/", b"manifest.json"))


ANY = Kind("a file", lambda head: True)
BUNDLE = Kind("a bundle", _is_bundle)
PNG = Kind("a PNG picture", lambda head: head.startswith(_PNG))
DRAWN = Kind(
    "a picture that fpm-edge drew",
    lambda head: head.startswith(_PNG) and b"tEXt" + "\0".join(DRAWN_BY).encode() in head,
)
SVG = Kind("an SVG picture", lambda head: b"<svg" in head)
MP4 = Kind("an MP4 video", lambda head: head[4:8] == b"ftyp")
AVI = Kind("an AVI video", lambda head: head[:4] == b"RIFF" and head[8:11] == b"AVI")
JSON = Kind("JSON", _is_json)
BENCH = Kind("a result of `bench --export`", lambda head: _begins(head, b'{"created":') and b'"fpm_edge":' in head)
# What a device that lost its power leaves counts as an empty cache, so it is no other kind.
CACHE = Kind("a cache of self-checks", lambda head: not head.strip(b"\0") or _begins(head, b'{"records"'))
TEXT = Kind("text", _is_text)
SAFETENSORS = Kind("a safetensors file", lambda head: head[8:9] == b"{")
_TFLITE = Kind("a TFLite file", lambda head: head[4:8] == b"TFL3")
# Protocol Buffers have no magic number: the first field of a model is its IR version, a small number.
_ONNX = Kind("an ONNX file", lambda head: head[:1] == b"\x08")

_BY_SUFFIX = {
    ".avi": AVI,
    ".csv": TEXT,
    ".fpm": BUNDLE,
    ".html": TEXT,
    ".json": JSON,
    ".jsonl": JSON,
    ".md": TEXT,
    ".mp4": MP4,
    ".onnx": _ONNX,
    ".png": PNG,
    ".safetensors": SAFETENSORS,
    ".svg": SVG,
    ".tflite": _TFLITE,
    ".toml": TEXT,
}


def kind_named(name: str) -> Kind:
    """The kind that a file of ours has by its name; `ANY` where the name tells none."""
    return _BY_SUFFIX.get(PurePath(name).suffix.lower(), ANY)


def beginning(path: Path) -> bytes:
    """The bytes that kinds are told by. Raises OSError."""
    with path.open("rb") as file:
        return file.read(_HEAD)


def looks_like(head: bytes) -> str:
    """What a file is that begins so, in words."""
    for magic, words in (
        (_PNG, "a PNG picture"),
        (b"\xff\xd8\xff", "a JPEG picture"),
        (_ZIP, "a bundle" if _is_bundle(head) else "a zip file"),
        (b"-----BEGIN", "a key"),
    ):
        if head.startswith(magic):
            return words
    for kind in (MP4, AVI, SVG, _TFLITE, JSON, TEXT):
        if kind.fits(head):
            return kind.words
    return "a file of another kind"
