"""`keygen`, `sign` and `verify`: what they write, say and return."""

import json
import os
import stat
import sys
from pathlib import Path

import pytest
from commands import run_command
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from PIL import Image
from small_bundle import small_bundle

from fpm_edge.convert.signing import make_keys, sign_bundle, stated
from fpm_edge_runtime import UsageError, open_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "a.fpm"
    path.write_bytes(small_bundle())
    return path


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_keys(tmp_path_factory.mktemp("keys") / "release.pem").private


@pytest.fixture(scope="module")
def public(key: Path) -> Path:
    return key.with_name("release.pem.pub")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout, and stderr in one line."""
    code, out, err = run_command(capsys, *arguments)
    return code, out, " ".join(err.split())


def test_keys(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "keygen", "-o", tmp_path / "k.pem", "--json")
    assert code == 0
    made = json.loads(out)
    assert made["private"] == str(tmp_path / "k.pem")
    assert made["public"] == str(tmp_path / "k.pem.pub")
    private = Path(made["private"])
    assert load_pem_private_key(private.read_bytes(), None)
    assert private.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert Path(made["public"]).read_text().startswith("-----BEGIN PUBLIC KEY-----")
    if os.name == "posix":
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["k.pem", "k.pem.pub"]


@pytest.mark.parametrize("there", ["k.pem", "k.pem.pub"])
def test_keys_are_never_replaced(capsys: pytest.CaptureFixture[str], tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    code, _, error = run(capsys, "keygen", "-o", tmp_path / "k.pem")
    assert code == 2
    assert "is there already" in error
    assert (tmp_path / there).read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == [there]


def test_no_half_of_a_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fpm_edge.convert import signing

    write = signing.write_atomically

    def full(path: Path, data: bytes, mode: int = 0o644) -> None:
        if path.suffix == ".pub":
            raise OSError(28, "No space left on device")
        write(path, data, mode)

    monkeypatch.setattr(signing, "write_atomically", full)
    with pytest.raises(OSError, match="No space"):
        make_keys(tmp_path / "k.pem")
    assert list(tmp_path.iterdir()) == []


def test_sign_and_verify(capsys: pytest.CaptureFixture[str], bundle: Path, key: Path, public: Path) -> None:
    out = bundle.with_name("signed.fpm")
    code, _, said = run(capsys, "sign", bundle, "--key", key, "--expires", "30", "--sequence", "4", "-o", out)
    assert code == 0
    assert "sequence 4" in said
    assert "it expires on 2" in said
    assert bundle.read_bytes() == small_bundle()
    code, printed, _ = run(capsys, "verify", out, "--trusted", public, "--json")
    assert code == 0
    result = json.loads(printed)
    assert (result["sequence"], result["members"]) == (4, 6)
    assert result["expires"] - result["created"] == 30 * 24 * 60 * 60
    code, _, said = run(capsys, "verify", out, "--trusted", public)
    assert code == 0
    assert "all 6 members are as they were signed" in said


def test_in_place_and_again(capsys: pytest.CaptureFixture[str], bundle: Path, key: Path) -> None:
    assert run(capsys, "sign", bundle, "--key", key, "--sequence", "1")[0] == 0
    code, _, said = run(capsys, "sign", bundle, "--key", key, "--sequence", "2")
    assert code == 0
    assert "replaced the signature of key" in said
    found = stated(open_bundle(bundle))
    assert found is not None
    assert found.sequence == 2
    assert [path.name for path in bundle.parent.iterdir()] == ["a.fpm"]


@pytest.mark.parametrize(("text", "expected"), [("2999-12-31", 32503593600), ("2999-12-31T08:30:00Z", 32503624200)])
def test_dates(capsys: pytest.CaptureFixture[str], bundle: Path, key: Path, text: str, expected: int) -> None:
    code, out, _ = run(capsys, "sign", bundle, "--key", key, "--expires", text, "--json")
    assert code == 0
    assert json.loads(out)["expires"] == expected


@pytest.mark.parametrize(
    "text", ["tomorrow", "31.12.2999", "2999-13-01", "-5", "1.5", "٣", "2001-01-01", "0", "9999999"]
)
def test_bad_dates(capsys: pytest.CaptureFixture[str], bundle: Path, key: Path, text: str) -> None:
    code, _, error = run(capsys, "sign", bundle, "--key", key, f"--expires={text}")
    assert code == 2
    assert "expire" in error
    assert bundle.read_bytes() == small_bundle()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"hello", "is not a private key in PEM form"), ("public", "is not a private key")],
)
def test_bad_keys(
    capsys: pytest.CaptureFixture[str], bundle: Path, public: Path, content: bytes | str | None, message: str
) -> None:
    path = bundle.with_name("bad.pem")
    if content is not None:
        path.write_bytes(public.read_bytes() if isinstance(content, str) else content)
    code, _, error = run(capsys, "sign", bundle, "--key", path)
    assert code == 2
    assert message in error


def test_encrypted_key(bundle: Path, key: Path) -> None:
    private = load_pem_private_key(key.read_bytes(), None)
    path = bundle.with_name("locked.pem")
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(UsageError, match=r"locked\.pem is encrypted"):
        sign_bundle(bundle, path)


@pytest.mark.parametrize("sequence", [-1, 2**53])
def test_bad_sequence(bundle: Path, key: Path, sequence: int) -> None:
    with pytest.raises(UsageError, match=r"expected 0 to 9007199254740991"):
        sign_bundle(bundle, key, sequence=sequence)


def test_a_damaged_bundle_is_not_signed(capsys: pytest.CaptureFixture[str], bundle: Path, key: Path) -> None:
    content = bundle.read_bytes().replace(b"# Colours", b"# colours")
    bundle.write_bytes(content)
    code, _, error = run(capsys, "sign", bundle, "--key", key)
    assert code == 4
    assert "SHA-256" in error
    assert bundle.read_bytes() == content


def test_a_place_that_cannot_be_written(bundle: Path, key: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        sign_bundle(bundle, key, bundle.parent / "none" / "out.fpm")
    assert [path.name for path in bundle.parent.iterdir()] == ["a.fpm"]


def test_verify_says_why_not(capsys: pytest.CaptureFixture[str], bundle: Path, key: Path, public: Path) -> None:
    assert run(capsys, "verify", bundle, "--trusted", public)[::2] == (
        4, f"fpm-edge: {bundle}: it is not signed, and trusted keys were given; get a signed bundle, or sign it",
    )  # fmt: skip
    other = make_keys(bundle.with_name("other.pem")).public
    sign_bundle(bundle, key)
    code, _, error = run(capsys, "verify", bundle, "--trusted", other)
    assert code == 4
    assert "which is not trusted" in error
    bundle.write_bytes(bundle.read_bytes().replace(b"# Colours", b"# colours"))
    code, _, error = run(capsys, "verify", bundle, "--trusted", public, "--trusted", other)
    assert code == 4
    assert "card.md does not have the SHA-256" in error


def test_commands_of_a_device_take_keys(
    capsys: pytest.CaptureFixture[str], bundle: Path, key: Path, public: Path, tmp_path: Path
) -> None:
    picture, other = tmp_path / "grey.png", make_keys(tmp_path / "other.pem").public
    Image.new("RGB", (48, 32), (9, 9, 9)).save(picture)
    commands = {
        "run": (picture,),
        "drift": (),
        "self-check": (),
        "self-check --fastest": ("--fastest",),
        "extract": ("card.md", "-o", tmp_path / "out"),
        "report": ("--data", "rendered:4@9/64", "-o", tmp_path / "out"),
    }
    unsigned = f"fpm-edge: {bundle}: it is not signed, and trusted keys were given; get a signed bundle, or sign it"
    for command, rest in commands.items():
        assert run(capsys, command.split()[0], bundle, *rest, "--trusted", public)[::2] == (4, unsigned), command
    signed_by = sign_bundle(bundle, key).key
    for command, rest in commands.items():
        code, out, error = run(capsys, command.split()[0], bundle, *rest, "--trusted", other)
        assert (code, out) == (4, ""), command
        assert f"{bundle}: it is signed with key {signed_by}, which is not trusted" in error, command
    assert not (tmp_path / "out").exists()
    # Then they run it: 3, as its golden landmarks are made up. For a report there are no pictures with its landmarks.
    for command, expected in (("run", 0), ("drift", 3), ("self-check", 3), ("extract", 0)):
        code, _, error = run(capsys, command, bundle, *commands[command], "--trusted", other, "--trusted", public)
        assert (code, command) == (expected, command), error


def test_the_reference_of_drift_must_be_signed_too(
    capsys: pytest.CaptureFixture[str], bundle: Path, key: Path, public: Path, tmp_path: Path
) -> None:
    reference = tmp_path / "float.fpm"
    reference.write_bytes(bundle.read_bytes())
    sign_bundle(bundle, key)
    given = ("--data", "rendered:4@9/64", "--reference", reference, "--trusted", public)
    code, _, error = run(capsys, "drift", bundle, *given)
    assert (code, f"{reference}: it is not signed" in error) == (4, True)


def test_verify_needs_a_key(capsys: pytest.CaptureFixture[str], bundle: Path) -> None:
    assert run(capsys, "verify", bundle)[0] == 2


@pytest.mark.parametrize("command", ["keygen", "sign", "verify"])
def test_without_the_package(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    bundle: Path,
    key: Path,
    public: Path,
    command: str,
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    arguments = {
        "keygen": ("-o", bundle.with_name("new.pem")),
        "sign": (bundle, "--key", key),
        "verify": (bundle, "--trusted", public),
    }[command]
    code, _, error = run(capsys, command, *arguments)
    assert code == 5
    assert "pip install 'fpm-edge[signing]'" in error
    assert [path.name for path in bundle.parent.iterdir()] == ["a.fpm"]


def test_expired(capsys: pytest.CaptureFixture[str], bundle: Path, key: Path, public: Path) -> None:
    sign_bundle(bundle, key, expires=1_000_000_000, now=999_999_000)
    code, _, error = run(capsys, "verify", bundle, "--trusted", public)
    assert code == 4
    assert "its signature expired on 2001-09-09 01:46:40 UTC" in error
