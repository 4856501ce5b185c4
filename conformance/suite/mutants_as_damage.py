"""Damaged bundles as requests name them: short lists of cuts."""

import hashlib
import json
from collections.abc import Iterator

import numpy as np
from mutants import _TOKENS, _damage
from raw_zip import Member, pack
from zip_attacks import members_of

__all__ = ["Cut", "as_damage", "resealed_mutants"]

Cut = tuple[int, int | None, str]

# Changes that lie this close together are one cut.
_NEAR = 12


def as_damage(content: bytes, mutant: bytes) -> list[Cut]:
    """The cuts that make `mutant` of `content`."""
    if len(content) == len(mutant):
        before, after = (np.frombuffer(raw, np.uint8) for raw in (content, mutant))
        places = np.flatnonzero(before != after)
        groups = np.split(places, np.flatnonzero(np.diff(places) > _NEAR) + 1) if len(places) else []
        spans = [(int(group[0]), int(group[-1]) + 1) for group in groups]
        return [(start, end - start, mutant[start:end].hex()) for start, end in spans]
    shorter = min(len(content), len(mutant))
    one, other = (np.frombuffer(raw[:shorter], np.uint8) for raw in (content, mutant))
    start = _equal(one, other)
    one, other = (np.frombuffer(raw[len(raw) - shorter + start :], np.uint8)[::-1] for raw in (content, mutant))
    end = _equal(one, other)
    return [(start, len(content) - start - end, mutant[start : len(mutant) - end].hex())]


def _equal(one: np.ndarray, other: np.ndarray) -> int:
    """How many numbers at the beginning are the same."""
    differ = one != other
    return int(differ.argmax()) if differ.any() else len(one)


def resealed_mutants(content: bytes, seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Name of a member, and an unsigned bundle with damage in it, digests and all headers right again.

    Some of them are good bundles: of another name, say.
    """
    rng = np.random.default_rng(seed)
    members = {member.name.decode(): member.data for member in members_of(content)}
    while count:
        name = str(
            rng.choice(["manifest.json", "manifest.json", "golden/golden.json", "golden/0.png", "stages/1.onnx"])
        )
        data = bytearray(members[name])
        for _ in range(int(rng.integers(1, 4))):
            if rng.random() < 0.5:
                _damage(data, rng)
            if rng.random() < 0.7 and name.endswith(".json"):
                at = int(rng.integers(0, len(data) + 1))
                data[at : at + int(rng.integers(0, 12))] = _TOKENS[int(rng.integers(len(_TOKENS)))]
        changed = {**members, name: bytes(data)}
        if changed[name] == members[name]:
            continue
        if name != "manifest.json":
            manifest = json.loads(members["manifest.json"])
            manifest["digests"][name] = hashlib.sha256(changed[name]).hexdigest()
            changed["manifest.json"] = json.dumps(manifest, indent=1).encode()
        count -= 1
        yield name, pack([Member(key.encode(), changed[key]) for key in sorted(changed)])
