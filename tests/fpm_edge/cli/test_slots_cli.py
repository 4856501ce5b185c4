"""`fpm-edge slots` and `fpm-edge self-check`: the update of a device from a shell."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fpm_edge_runtime import open_bundle, write_bundle

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def another(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tiny_bundle` under another name."""
    bundle = open_bundle(tiny_bundle)
    members = {name: bundle.read(name) for name in bundle.members if name != "manifest.json"}
    manifest = msgspec.structs.replace(bundle.manifest, name="another")
    return write_bundle(tmp_path_factory.mktemp("another") / "another.fpm", manifest, members)


def result(run: Run, *arguments: object) -> Any:
    code, out, err = run(*arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_the_life_of_an_update(run: Run, tiny_bundle: Path, another: Path, tmp_path: Path) -> None:
    folder = tmp_path / "slots"
    assert result(run, "slots", "install", folder, tiny_bundle)["slot"] == "a"
    code, out, err = run("slots", "boot", folder)
    assert (code, out) == (0, f"{folder / 'a.fpm'}\n")
    assert "slot a is trial, 1 start" in err
    code, out, _ = run("self-check", folder / "a.fpm", "--engine", "litert")
    assert code == 0
    assert "litert" in out
    assert run("slots", "confirm", folder)[2].strip() == "slot a is good"

    code, _, err = run("slots", "install", folder, another, "--sequence", 2)
    assert (code, "is in slot b and will be tried at the next boot" in err) == (0, True)
    assert result(run, "slots", "boot", folder)["status"] == "trial"
    back = result(run, "slots", "boot", folder)
    assert (back["slot"], back["rolled_back"], back["digest"]) == ("a", True, open_bundle(tiny_bundle).digest)
    assert back["notes"] == ["slot b: not confirmed after 1 of 1 starts"]

    code, out, _ = run("slots", "status", folder)
    assert code == 0
    assert "failed, 1 start: not confirmed after 1 of 1 starts" in out
    report = result(run, "slots", "status", folder)
    assert (report["active"], [entry["record"]["status"] for entry in report["slots"]]) == ("a", ["good", "failed"])


def test_a_rollback_is_said(run: Run, tiny_bundle: Path, another: Path, tmp_path: Path) -> None:
    for bundle in (tiny_bundle, another):
        run("slots", "install", tmp_path, bundle)
        run("slots", "boot", tmp_path)
        run("slots", "confirm", tmp_path)
    (tmp_path / "b.fpm").write_bytes(b"nothing")
    code, out, err = run("slots", "boot", tmp_path)
    assert (code, out) == (0, f"{tmp_path / 'a.fpm'}\n")
    assert "note: slot b: " in err
    assert "rolled back to slot a" in err


def test_exit_codes(run: Run, tiny_bundle: Path, another: Path, tmp_path: Path) -> None:
    folder = tmp_path / "slots"
    assert run("slots", "boot", folder)[0] == 4
    assert run("slots", "install", folder, tmp_path / "nothing.fpm")[0] == 4
    assert not folder.exists()
    result(run, "slots", "install", folder, tiny_bundle, "--sequence", 5)
    digest = result(run, "slots", "boot", folder)["digest"]
    code, _, err = run("slots", "confirm", folder, "--digest", "0" * 64)
    assert (code, "not " + "0" * 64 in err) == (2, True)
    assert result(run, "slots", "confirm", folder, "--digest", digest) == {"slot": "a"}
    code, _, err = run("slots", "install", folder, another, "--sequence", 4)
    assert (code, "sequence 4 and this device has confirmed 5" in err) == (4, True)
    again = result(run, "slots", "install", folder, tiny_bundle, "--sequence", 5)
    assert (again["slot"], again["changed"]) == ("a", False)
    (tmp_path / "file").touch()
    assert run("slots", "install", tmp_path / "file", tiny_bundle)[0] == 2


def test_only_signed_bundles(run: Run, tiny_bundle: Path, another: Path, tmp_path: Path) -> None:
    key, signed, folder = tmp_path / "key.pem", tmp_path / "signed.fpm", tmp_path / "slots"
    assert run("keygen", "-o", key)[0] == 0
    assert run("sign", tiny_bundle, "--key", key, "--sequence", 2, "-o", signed)[0] == 0
    trusted = ("--trusted", f"{key}.pub")
    code, _, err = run("slots", "install", folder, another, *trusted)
    assert (code, "it is not signed" in err) == (4, True)
    result(run, "slots", "install", folder, signed, *trusted)
    result(run, "slots", "boot", folder, *trusted)
    result(run, "slots", "confirm", folder, *trusted)
    assert result(run, "slots", "status", folder, *trusted)["highest"] == 2
    assert run("slots", "install", folder, signed, *trusted, "--sequence", 3)[0] == 2


def test_self_check_names_what_it_skipped_and_remembers(run: Run, tiny_bundle: Path, tmp_path: Path) -> None:
    cache = tmp_path / "checks.json"
    arguments = ("self-check", tiny_bundle, "--engine", "tflite-runtime,litert", "--threads", 1, "--cache", cache)
    found = result(run, *arguments)
    assert (found["engine"], found["passed"]["cached"]) == ("litert", False)
    assert [entry["delegate"] for entry in (found["passed"], *found["skipped"])] == ["none", "none"]
    assert [(entry["engine"], entry["outcome"]) for entry in found["skipped"]] == [("tflite-runtime", "missing")]
    assert result(run, *arguments)["passed"]["cached"]
    assert not result(run, *arguments, "--again")["passed"]["cached"]
    cache.write_text("{")
    code, out, err = run(*arguments)
    assert code == 0
    assert "note: " in err
    assert "use litert" in err
    assert "missing" in out


def test_self_check_without_a_good_engine(run: Run, tiny_bundle: Path) -> None:
    code, _, err = run("self-check", tiny_bundle, "--engine", "litert", "--timeout", 0.001)
    assert (code, "no engine passes the self-check: litert: hung (no answer within 0.001 s" in err) == (3, True)
    assert run("self-check", tiny_bundle, "--engine", "tflite-runtime")[0] == 5
    assert run("self-check", tiny_bundle, "--engine", "lite")[0] == 2


def test_the_fastest(run: Run, tiny_bundle: Path, tmp_path: Path) -> None:
    checks, speeds = tmp_path / "checks.json", tmp_path / "speeds.json"
    arguments = ("self-check", tiny_bundle, "--fastest", "--engine", "tflite-runtime,litert", "--threads", 1)
    arguments = (*arguments, "--cache", checks, "--speeds", speeds, "--budget-ms", 50)
    found = result(run, *arguments)
    assert (found["engine"], found["threads"], found["cached"]) == ("litert", 1, False)
    assert [(entry["engine"], entry["outcome"]) for entry in found["tried"]] == [
        ("litert", "ok"),
        ("tflite-runtime", "missing"),
    ]
    assert found["ms"] == found["tried"][0]["ms"] > 0
    assert checks.exists()
    again = result(run, *arguments)
    assert (again["cached"], again["tried"]) == (True, found["tried"])
    speeds.write_text("{")
    code, out, err = run(*arguments)
    assert (code, "note: " in err, "use litert with 1 thread, measured 2" in err) == (0, True, True)
    assert "tflite-runtime" in out


def test_the_fastest_of_none(run: Run, tiny_bundle: Path, tmp_path: Path) -> None:
    speeds = tmp_path / "speeds.json"
    code, _, err = run("self-check", tiny_bundle, "--fastest", "--engine", "litert", "--timeout", 0.001)
    assert (code, "no engine passes the self-check: litert: hung" in err) == (3, True)
    assert run("self-check", tiny_bundle, "--fastest", "--engine", "tflite-runtime", "--speeds", speeds)[0] == 5
    code, _, err = run("self-check", tiny_bundle, "--speeds", speeds)
    assert (code, "for --fastest, which is missing" in err) == (2, True)
    assert not speeds.exists()
