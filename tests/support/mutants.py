"""Bundles with random damage, and what must become of every one of them."""

import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from raw_zip import Member, pack
from small_bundle import PUBLIC, signed_bundle
from zip_attacks import members_of

from fpm_edge_runtime import BundleError, open_bundle

__all__ = ["changes", "cuts", "judge", "judge_all", "mutants", "sealed_mutants", "tally"]

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_MARKS = (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\7\x08")
_TOKENS = (
    b"null", b"true", b"-1", b"0", b"1e308", b"1e999", b"NaN", b"9" * 30, b'""', b"[]", b"{}", b"[[[[", b'"\\ud800"',
    b'"\\u001b"', b"\xff", b",", b'"', b"}", b'"card.md"', b'"../card.md"',
)  # fmt: skip


def changes(content: bytes) -> Iterator[bytes]:
    """The file with one byte changed: each of them, to each other value."""
    for place, byte in enumerate(content):
        for other in range(256):
            if other != byte:
                yield content[:place] + bytes([other]) + content[place + 1 :]


def cuts(content: bytes) -> Iterator[bytes]:
    """The file cut short at every place, what is before it and what is behind."""
    for place in range(len(content)):
        yield content[:place]
        yield content[place + 1 :]


def mutants(content: bytes, seed: int, count: int) -> Iterator[bytes]:
    """Copies of a file with one to eight changes anywhere; all of them differ from it."""
    rng = np.random.default_rng(seed)
    while count:
        mutant = bytearray(content)
        for _ in range(int(rng.integers(1, 9)) if rng.random() < 0.5 else 1):
            _damage(mutant, rng)
        if mutant != content:
            count -= 1
            yield bytes(mutant)


def sealed_mutants(content: bytes, seed: int, count: int) -> Iterator[bytes]:
    """Copies of a bundle with damage in one member, packed so that all headers and checksums are right again."""
    rng = np.random.default_rng(seed)
    members = members_of(content)
    while count:
        chosen = members[int(rng.integers(len(members)))]
        data = bytearray(chosen.data)
        for _ in range(int(rng.integers(1, 4))):
            _damage(data, rng)
            if rng.random() < 0.5 and chosen.name.endswith(b".json"):
                at = int(rng.integers(0, len(data) + 1))
                data[at : at + int(rng.integers(0, 12))] = _TOKENS[int(rng.integers(len(_TOKENS)))]
        if data != chosen.data:
            count -= 1
            yield pack([Member(m.name, bytes(data) if m is chosen else m.data) for m in members])


def judge(mutant: bytes, trusted: bool) -> str:
    """What became of it on opening it and reading everything: "refused", "ACCEPTED", or an error that is not ours."""
    try:
        open_bundle(mutant, [PUBLIC] if trusted else None).check()
    except BundleError:
        return "refused"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "ACCEPTED"


def judge_all(damaged: Iterable[bytes]) -> Counter[str]:
    """How often each verdict came, where nobody is trusted."""
    return Counter(judge(mutant, trusted=False) for mutant in damaged)


def tally(count: int, first_seed: int = 0, processes: int = 1) -> Counter[str]:
    """Verdicts on so many mutants of a signed bundle.

    Half have damage anywhere, and nobody is trusted; half have it in one member in a perfect container, and only the
    key is trusted.
    """
    size = 1000
    jobs = [(first_seed + n, min(size, count - n * size)) for n in range(-(-count // size))]
    if processes == 1:
        return sum(map(_job, jobs), Counter())
    with ProcessPoolExecutor(processes) as pool:
        return sum(pool.map(_job, jobs, chunksize=4), Counter())


def _job(job: tuple[int, int]) -> Counter[str]:
    seed, count = job
    content = signed_bundle()
    verdicts = judge_all(mutants(content, seed, count - count // 2))
    verdicts.update(judge(mutant, trusted=True) for mutant in sealed_mutants(content, seed, count // 2))
    return verdicts


def _damage(data: bytearray, rng: np.random.Generator) -> None:
    """One change in place."""
    size = len(data)
    if size < 8:
        data += rng.bytes(8)
        return
    at, other = (int(i) for i in rng.integers(0, size, 2))
    length = int(rng.integers(1, 64))
    kind = int(rng.integers(0, 10))
    if kind == 0:
        data[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        data[at] = int(rng.integers(256))
    elif kind == 2:
        data[at : at + length] = rng.bytes(length)
    elif kind == 3:
        data[at : at + length] = data[other : other + length]
    elif kind == 4:
        del data[at : at + length]
    elif kind == 5:
        data[at:at] = data[other : other + length]
    elif kind == 6:
        width = (1, 2, 4)[int(rng.integers(3))]
        number = _NUMBERS[int(rng.integers(len(_NUMBERS)))] & (256**width - 1)
        data[at : at + width] = number.to_bytes(width, "little")
    elif kind == 7:
        mark = _MARKS[int(rng.integers(len(_MARKS)))]
        data[at : at + (4 if rng.random() < 0.5 else 0)] = mark
    elif kind == 8:
        del data[at:]
    else:
        at = min(at, size - 4)
        value = struct.unpack_from("<I", data, at)[0] + int(rng.integers(-4, 5))
        data[at : at + 4] = (value & 0xFFFFFFFF).to_bytes(4, "little")
