"""Who signed a bundle, and until when it may be used: the same is taken, and the same refused."""

from pathlib import Path
from typing import Any

import pytest
from small_bundle import small_bundle

from conformance.suite.bundles import DAY, SIGNED_AT, signed
from conformance.suite.client import Client
from conformance.suite.compare import refused_alike
from fpm_edge_runtime import open_bundle

pytestmark = pytest.mark.needs("trusted_keys")

NOW = SIGNED_AT + DAY
EXPIRES = SIGNED_AT + 10 * DAY
TOLERANCE = 300  # seconds that a device's clock may be behind the signer's


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Name → a bundle, signed in one way or another."""
    folder = tmp_path_factory.mktemp("signed")
    contents = {
        "signed": signed(),
        "expires": signed(expires=EXPIRES),
        "by another": signed(other_key=True),
        "forged": signed(forged=True),
        "not signed": small_bundle(),
        "last sequence": signed(sequence=2**53 - 1),
    }
    contents["another manifest"] = contents["signed"].replace(b'"warm"', b'"cold"')
    paths = {}
    for name, content in contents.items():
        paths[name] = folder / f"{name}.fpm"
        paths[name].write_bytes(content)
    return paths


def ask(client: Client, path: Path, names: list[str] | None, keys: dict[str, Path], now: float | None) -> Any:
    trusted = None if names is None else [keys[name] for name in names]
    return client.ask("open", path=path, trusted_keys=trusted, now=now)


@pytest.mark.parametrize(
    ("name", "names", "now"),
    [
        ("signed", ["right"], NOW),
        ("signed", ["other", "right"], NOW),
        ("signed", ["right"], None),
        ("signed", ["right"], 0.0),
        ("expires", ["right"], NOW),
        ("expires", ["right"], EXPIRES - 1.0),
        ("expires", ["right"], EXPIRES - 0.001),
        ("expires", ["right"], SIGNED_AT - TOLERANCE),
        ("by another", ["right", "other"], NOW),
        ("last sequence", ["right"], NOW),
    ],
)
def test_taken(
    client: Client, made: dict[str, Path], keys: dict[str, Path], name: str, names: list[str], now: float | None
) -> None:
    statement = open_bundle(made[name], [keys[key] for key in names], now=now).signature
    assert statement is not None
    assert ask(client, made[name], names, keys, now)["signature"] == {
        "manifest": statement.manifest,
        "key": statement.key,
        "created": statement.created,
        "expires": statement.expires,
        "sequence": statement.sequence,
    }


@pytest.mark.parametrize("name", ["signed", "expires", "by another", "forged", "not signed"])
def test_without_keys_nothing_is_verified(
    client: Client, made: dict[str, Path], keys: dict[str, Path], name: str
) -> None:
    assert open_bundle(made[name]).signature is None
    assert ask(client, made[name], None, keys, EXPIRES + DAY)["signature"] is None


@pytest.mark.parametrize(
    ("name", "names", "now", "error"),
    [
        ("signed", ["other"], NOW, "BundleError"),
        ("by another", ["right"], NOW, "BundleError"),
        ("forged", ["right"], NOW, "BundleError"),
        ("not signed", ["right"], NOW, "BundleError"),
        ("another manifest", ["right"], NOW, "BundleError"),
        ("another manifest", None, NOW, "BundleError"),
        ("expires", ["right"], float(EXPIRES), "BundleError"),
        ("expires", ["right"], EXPIRES + 1.0, "BundleError"),
        ("expires", ["right"], SIGNED_AT - TOLERANCE - 1.0, "BundleError"),
        ("expires", ["right"], 0.0, "BundleError"),
        ("signed", [], NOW, "UsageError"),
        ("signed", ["another kind"], NOW, "UsageError"),
        ("signed", ["right", "none"], NOW, "UsageError"),
        ("signed", ["empty"], NOW, "UsageError"),
        ("signed", ["missing"], NOW, "UsageError"),
    ],
)
def test_refused(
    client: Client,
    made: dict[str, Path],
    keys: dict[str, Path],
    name: str,
    names: list[str] | None,
    now: float,
    error: str,
) -> None:
    trusted = None if names is None else [keys[key] for key in names]
    found = refused_alike(
        lambda: open_bundle(made[name], trusted, now=now), lambda: ask(client, made[name], names, keys, now)
    )
    assert found == error


def test_a_member_that_was_changed_after_signing(client: Client, made: dict[str, Path], keys: dict[str, Path]) -> None:
    content = made["signed"].read_bytes()
    damage = [[content.index(b"# Colours"), 1, "00"]]
    client.ask("open", path=made["signed"], trusted_keys=[keys["right"]], now=NOW, damage=damage)
    changed = open_bundle(content.replace(b"# Colours", b"\0 Colours"), [keys["right"]], now=NOW)
    assert refused_alike(changed.check, lambda: client.ask("check")) == "BundleError"
