"""Bundles that are meant to do harm are refused, for the reference's reason, in bounded time and memory."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from member_attacks import MEMBER_ATTACKS
from mutants import cuts, mutants, sealed_mutants
from small_bundle import signed_bundle, small_bundle
from zip_attacks import ZIP_ATTACKS

from conformance.suite.client import Client
from conformance.suite.compare import error_of
from conformance.suite.conftest import Running
from conformance.suite.mutants_as_damage import as_damage, resealed_mutants
from conformance.suite.tolerance import HOSTILE_BYTES
from fpm_edge_runtime import open_bundle

ATTACKS = {**ZIP_ATTACKS, **MEMBER_ATTACKS}
BATCH = 250
# Where a client may be stricter than the reference: its decoder of pictures skips what others refuse.
STRICTER = "golden/0.png"


@pytest.fixture(scope="module")
def before(running: Running) -> int:
    """Bytes of a client that is new, and has opened a good bundle."""
    client = running.anew()
    client.ask("judge", path=_write(running, "good", small_bundle()), damages=[[]] * BATCH)
    return client.peak_bytes()


@pytest.fixture(autouse=True)
def bounded(before: int, client: Client) -> Iterator[None]:
    """The client may grow, but not by what a damaged size could ask for."""
    yield
    if sys.platform == "linux" and client.alive:
        assert client.peak_bytes() - before < HOSTILE_BYTES


def _write(running: Running, name: str, content: bytes) -> Path:
    path = running.folder / f"{name}.fpm"
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)
    return path


def verdict(content: bytes, keys: list[Path] | None = None) -> str | None:
    """The reference's."""
    found = error_of(lambda: open_bundle(content, keys).check())
    return found and found[0]


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(client: Client, running: Running, name: str) -> None:
    make, _ = ATTACKS[name]
    content = make()
    path = _write(running, "attack", content)

    def open_and_check() -> None:
        client.ask("open", path=path)
        client.ask("check")

    assert error_of(lambda: open_bundle(content).check()) == ("BundleError", 4)
    with pytest.raises(Exception, match=r"^BundleError") as caught:
        open_and_check()
    message = caught.value.message  # type: ignore[attr-defined]
    assert caught.value.exit_code == 4  # type: ignore[attr-defined]
    assert message.isprintable()
    assert len(message) < 2500


def compared(
    client: Client, path: Path, content: bytes, damaged: Iterator[tuple[str, bytes]], keys: list[Path] | None = None
) -> Counter[str | None]:
    """Both judge the same of each, but where a client may be stricter; how often the reference said what."""
    counts: Counter[str | None] = Counter()
    names, wanted, damages = [], [], []
    for name, mutant in damaged:
        names.append(name)
        wanted.append(verdict(mutant, keys))
        damages.append(as_damage(content, mutant))
    batches = [damages[start : start + BATCH] for start in range(0, len(damages), BATCH)]
    trusted = {} if keys is None else {"trusted_keys": keys}
    answers = client.ask_all([("judge", {"path": path, "damages": batch, **trusted}) for batch in batches])
    found = [verdict for answer in answers for verdict in answer["verdicts"]]
    assert len(found) == len(wanted)
    for name, damage, expected, answered in zip(names, damages, wanted, found, strict=True):
        stricter = name == STRICTER and (expected, answered) == (None, "BundleError")
        assert answered == expected or stricter, f"{name}, {str(damage)[:300]}: {answered}, expected {expected}"
        counts[expected] += 1
    return counts


def nameless(mutants: Iterator[bytes]) -> Iterator[tuple[str, bytes]]:
    return (("", mutant) for mutant in mutants)


def test_every_truncation(client: Client, running: Running) -> None:
    """The file cut short at every place, what is before it and what is behind."""
    content = signed_bundle()
    path = _write(running, "signed", content)
    assert compared(client, path, content, nameless(cuts(content))) == {"BundleError": 2 * len(content)}


def test_random_mutants(client: Client, running: Running, keys: dict[str, Path]) -> None:
    """Half have damage anywhere, and nobody is trusted; half have it in one member of a perfect container, and only
    the key is trusted (who cannot verify signatures trusts nobody).
    """
    _mutants(client, running, keys, 4000, 0)


@pytest.mark.slow
def test_twenty_thousand_random_mutants(client: Client, running: Running, keys: dict[str, Path]) -> None:
    _mutants(client, running, keys, 20_000, 100)


def _mutants(client: Client, running: Running, keys: dict[str, Path], count: int, first: int) -> None:
    content = signed_bundle()
    path = _write(running, "signed", content)
    able = "trusted_keys" in client.abilities
    for seed in range(first, first + count // 1000):
        assert compared(client, path, content, nameless(mutants(content, seed, 500))) == {"BundleError": 500}
        sealed = nameless(sealed_mutants(content, seed, 500))
        assert compared(client, path, content, sealed, [keys["right"]] if able else None) == {"BundleError": 500}


@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 12), marks=pytest.mark.slow)], ids=["", "many"])
def test_what_is_in_a_perfect_bundle(client: Client, running: Running, seeds: range) -> None:
    """Damage in a member of an unsigned bundle whose digests fit: what is good bundle still is taken by both."""
    content = small_bundle()
    path = _write(running, "small", content)
    for seed in seeds:
        counts = compared(client, path, content, resealed_mutants(content, seed, 1000))
        assert set(counts) == {None, "BundleError"}
        assert counts[None] > 50
