"""Slots of a device that trusts keys: unsigned, older and expired bundles stay out, and what runs goes on."""

import os
import time
from pathlib import Path

import pytest
from small_bundle import PUBLIC, signature

from fpm_edge_runtime import Boot, BundleError, Slots, UsageError, open_bundle
from fpm_edge_runtime.stages.pack import signed_bundle_bytes


def _name(boot: Boot) -> str:
    return boot.bundle.manifest.name


def signed(source: Path, **fields: int | None) -> bytes:
    bundle = open_bundle(source)
    return signed_bundle_bytes(bundle, signature(bundle.read("manifest.json"), **fields))  # type: ignore[arg-type]


def test_only_signed_bundles_are_used(slots: Slots, three_bundles: list[Path], tmp_path: Path) -> None:
    strict = Slots(tmp_path / "slots", trusted_keys=[PUBLIC])
    with pytest.raises(BundleError, match="it is not signed"):
        strict.install(three_bundles[2])
    with pytest.raises(UsageError, match="none where signatures are checked"):
        strict.install(signed(three_bundles[2]), sequence=3)
    with pytest.raises(BundleError, match=r"no bundle that can be used; slot b: .* it is not signed"):
        strict.boot()
    strict.install(signed(three_bundles[2], sequence=3))
    assert _name(strict.boot()) == "new"
    strict.confirm()
    assert strict.status().highest == 3
    with pytest.raises(BundleError, match="sequence 2 and this device has confirmed 3"):
        strict.install(signed(three_bundles[0], sequence=2))


def test_a_bundle_that_expires_later_goes_on(three_bundles: list[Path], tmp_path: Path) -> None:
    slots = Slots(tmp_path / "slots", trusted_keys=[PUBLIC])
    end = int(time.time()) + 1000
    slots.install(signed(three_bundles[0], expires=end))
    written = slots.path("a").stat().st_mtime
    # As if it had been installed so long ago that it has expired since.
    expired = signed(three_bundles[0], expires=int(written) - 10)
    with pytest.raises(BundleError, match="expired on"):
        slots.install(expired)
    slots.path("a").write_bytes(expired)
    os.utime(slots.path("a"), (written - 20, written - 20))
    assert _name(slots.boot()) == "old"


def test_a_state_that_is_lost_keeps_the_numbers_of_signatures(three_bundles: list[Path], tmp_path: Path) -> None:
    slots = Slots(tmp_path / "slots", trusted_keys=[PUBLIC])
    slots.install(signed(three_bundles[0], sequence=5))
    (tmp_path / "slots" / "slots.json").unlink()
    slots.boot()
    slots.confirm()
    assert slots.status().highest == 5
