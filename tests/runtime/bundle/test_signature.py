"""Trusted keys: what they let in, and the reason given for everything else."""

import hashlib
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from raw_zip import pack
from small_bundle import KEY, PUBLIC, SIGNED_AT, colour_manifest, signature, signed_bundle, small_bundle, small_members
from zip_attacks import members_of

from fpm_edge_runtime import Bundle, BundleError, MissingExtraError, UsageError, open_bundle, write_bundle
from fpm_edge_runtime.bundle.signature import SignedStatement, decode_signature, signed_bytes
from fpm_edge_runtime.stages.pack import bundle_bytes, signed_bundle_bytes

OTHER = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
DAY = 24 * 60 * 60
# Of Ed25519's group, RFC 8032, section 5.1.
ORDER = 2**252 + 27742317777372353535851937790883648493


def pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signed(**fields: int | None) -> bytes:
    """The small bundle with a signature of these fields."""
    bundle = open_bundle(small_bundle())
    return signed_bundle_bytes(bundle, signature(bundle.read("manifest.json"), **fields))  # type: ignore[arg-type]


def with_signature(raw: bytes) -> bytes:
    return signed_bundle_bytes(open_bundle(small_bundle()), raw)


# RFC 8032, section 7.1, tests 1 to 3: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "expected"), RFC_8032)
def test_the_package_is_ed25519(secret: str, public: str, message: str, expected: str) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    assert key.public_key().public_bytes_raw().hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == expected


def test_what_is_signed_is_frozen() -> None:
    # Other runtimes verify these very bytes; a change of them is a new version of the prefix.
    raw = signature(b"{}", expires=SIGNED_AT + DAY, sequence=7)
    key = "56475aa75463474c0285df5dbf2bcab73da651358839e9b77481b2eab107708c"
    statement = (
        b'{"manifest":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","key":"%s",'
        b'"created":1790000000,"expires":1790086400,"sequence":7}' % key.encode()
    )
    assert hashlib.sha256(KEY.public_key().public_bytes_raw()).hexdigest() == key
    assert raw.startswith(b'{"statement":' + statement + b',"signature":"')
    payload = b"fpm-edge bundle signature, version 1\n" + statement
    KEY.public_key().verify(bytes.fromhex(raw[-130:-2].decode()), payload)
    assert signed_bytes(decode_signature(raw).statement) == payload


# ---- what is let in ----


@pytest.mark.parametrize("keys", [[PUBLIC], [pem(OTHER), PUBLIC]])
def test_a_trusted_key_opens(keys: list[bytes]) -> None:
    bundle = open_bundle(signed(sequence=3), keys)
    assert bundle.signature is not None
    assert (bundle.signature.sequence, bundle.signature.created) == (3, SIGNED_AT)
    assert bundle.signature.manifest == bundle.digest
    bundle.check()
    bundle.session("onnxruntime")


def test_keys_may_be_files(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_bytes(PUBLIC)
    for source in (tmp_path / "key.pub", str(tmp_path / "key.pub")):
        assert open_bundle(signed_bundle(), [source]).signature is not None


def test_a_signed_bundle_opens_without_keys_and_vouches_for_nothing() -> None:
    bundle = open_bundle(signed_bundle())
    assert bundle.signature is None
    assert bundle.digest == open_bundle(small_bundle()).digest
    assert "signature.json" in bundle.members
    bundle.check()


def test_signing_changes_no_other_member() -> None:
    before, after = open_bundle(small_bundle()), open_bundle(signed_bundle())
    assert set(after.members) - set(before.members) == {"signature.json"}
    assert all(before.read(name) == after.read(name) for name in before.members)


def test_a_signature_is_replaced() -> None:
    manifest = open_bundle(small_bundle()).read("manifest.json")
    again = signed_bundle_bytes(open_bundle(signed_bundle()), signature(manifest, sequence=9))
    assert again == signed(sequence=9)


# ---- what is not ----


def refused(content: bytes, message: str, keys: list[bytes] | None = None, now: float | None = None) -> None:
    with pytest.raises(BundleError, match=message) as caught:
        open_bundle(content, keys or [PUBLIC], now=now)
    assert caught.value.exit_code == 4


def test_unsigned() -> None:
    refused(small_bundle(), "bundle in memory: it is not signed")


def test_another_key() -> None:
    refused(signed_bundle(), r"signed with key 56475a\w+, which is not trusted; trusted: \w{64}$", [pem(OTHER)])


def test_another_key_that_says_it_is_the_trusted_one() -> None:
    manifest = open_bundle(small_bundle()).read("manifest.json")
    good = decode_signature(signature(manifest))
    forged = SignedStatement(good.statement, OTHER.sign(signed_bytes(good.statement)).hex())
    refused(with_signature(msgspec.json.encode(forged)), "damaged or forged")


@pytest.mark.parametrize(
    ("field", "value"), [("created", SIGNED_AT - 1), ("expires", SIGNED_AT + 10**6), ("sequence", 8)]
)
def test_every_field_is_signed(field: str, value: int) -> None:
    manifest = open_bundle(small_bundle()).read("manifest.json")
    good = decode_signature(signature(manifest, expires=SIGNED_AT + 10**8, sequence=7))
    statement = msgspec.structs.replace(good.statement, **{field: value})
    raw = msgspec.json.encode(SignedStatement(statement, good.signature))
    refused(with_signature(raw), "damaged or forged", now=SIGNED_AT)


def test_a_signature_without_the_prefix_is_not_ours() -> None:
    good = decode_signature(signature(open_bundle(small_bundle()).read("manifest.json")))
    bare = SignedStatement(good.statement, KEY.sign(msgspec.json.encode(good.statement)).hex())
    refused(with_signature(msgspec.json.encode(bare)), "damaged or forged")


def test_the_second_form_of_a_signature_is_refused() -> None:
    # s + the group's order verifies as s does in a careless implementation: two encodings of one signature.
    good = decode_signature(signature(open_bundle(small_bundle()).read("manifest.json")))
    raw = bytes.fromhex(good.signature)
    second = raw[:32] + (int.from_bytes(raw[32:], "little") + ORDER).to_bytes(32, "little")
    refused(with_signature(msgspec.json.encode(SignedStatement(good.statement, second.hex()))), "damaged or forged")


def test_the_signature_of_another_bundle() -> None:
    other = bundle_bytes(msgspec.structs.replace(colour_manifest(), name="other"), small_members())
    swapped = signature(open_bundle(other).read("manifest.json"))
    content = with_signature(swapped)
    refused(content, "is about another bundle")
    with pytest.raises(BundleError, match="is about another bundle"):
        open_bundle(content)


def test_a_bundle_made_anew_around_the_old_signature() -> None:
    changed = bundle_bytes(colour_manifest(), {**small_members(), "card.md": b"# Evil\n"})
    raw = open_bundle(signed_bundle()).read("signature.json")
    refused(signed_bundle_bytes(open_bundle(changed), raw), "is about another bundle")


def test_an_untrusted_manifest_is_not_even_parsed() -> None:
    # Without keys, this one fails for its version.
    members = members_of(small_bundle())
    (manifest,) = (member for member in members if member.name == b"manifest.json")
    manifest.data = manifest.data.replace(b'"schema_version": 1', b'"schema_version": 9')
    content = pack(members)
    with pytest.raises(BundleError, match="schema version 9"):
        open_bundle(content)
    refused(content, "is not signed")


# ---- time ----


def test_expiry() -> None:
    content = signed(expires=SIGNED_AT + DAY)
    assert open_bundle(content, [PUBLIC], now=SIGNED_AT + DAY - 1).signature is not None
    refused(content, r"its signature expired on 2026-09-22 \d\d:\d\d:\d\d UTC; get a newer one", now=SIGNED_AT + DAY)
    assert open_bundle(content).signature is None


def test_a_clock_before_the_signature_is_wrong() -> None:
    content = signed(expires=SIGNED_AT + DAY)
    assert open_bundle(content, [PUBLIC], now=SIGNED_AT - 300).signature is not None
    for now in (SIGNED_AT - 301, 0.0, float("nan")):
        refused(content, r"signed in the future, on 2026-09-21 [\d:]+ UTC; set the clock", now=now)


def test_without_expiry_the_clock_does_not_matter() -> None:
    for now in (0.0, 1e12, float("nan")):
        assert open_bundle(signed(), [PUBLIC], now=now).signature is not None


def test_the_devices_clock_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    content = signed(expires=SIGNED_AT + DAY)
    monkeypatch.setattr("time.time", lambda: SIGNED_AT + 2.0 * DAY)
    refused(content, "expired on")
    monkeypatch.setattr("time.time", lambda: SIGNED_AT + 2.0)
    assert open_bundle(content, [PUBLIC]).signature is not None


# ---- keys that are none ----


def private_pem() -> bytes:
    return KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def curve_pem() -> bytes:
    return generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([], "there is no trusted key"),
        ([b""], "a trusted key is not a public key in PEM form"),
        ([private_pem()], "is not a public key in PEM form"),
        ([curve_pem()], "a key of another kind; expected Ed25519"),
        ([PUBLIC, b"hello"], "is not a public key in PEM form"),
        (["/none/key.pub"], r"/none/key\.pub cannot be read: No such file"),
        (PUBLIC, "is one key; expected a list"),
        ("key.pub", "is one key; expected a list"),
    ],
)
def test_bad_keys(keys: list[str | bytes], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_bundle(signed_bundle(), keys)


def test_the_package_is_needed_only_for_trusted_keys(tmp_path: Path) -> None:
    (tmp_path / "a.fpm").write_bytes(signed_bundle())
    (tmp_path / "key.pub").write_bytes(PUBLIC)
    program = (
        "import sys; sys.modules['cryptography'] = None\n"
        "import fpm_edge_runtime as f\n"
        "f.open_bundle(sys.argv[1]).check()\n"
        "try: f.open_bundle(sys.argv[1], [sys.argv[2]])\n"
        "except f.MissingExtraError as error: print(error.exit_code, error)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.fpm"), str(tmp_path / "key.pub")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("5 signatures need the package cryptography")
    assert "pip install 'fpm-edge[signing]'" in done.stdout
    assert MissingExtraError.exit_code == 5


# ---- writing ----


def test_a_signature_is_no_member_to_write(tmp_path: Path) -> None:
    raw = open_bundle(signed_bundle()).read("signature.json")
    with pytest.raises(UsageError, match=r"'signature\.json' cannot be a member"):
        write_bundle(tmp_path / "a.fpm", colour_manifest(), {**small_members(), "signature.json": raw})


def test_a_reference_may_be_signed(tmp_path: Path) -> None:
    path = write_bundle(
        tmp_path / "a.fpm", colour_manifest(), {**small_members(), "reference/float.fpm": signed_bundle()}
    )
    reference = open_bundle(path).reference()
    assert isinstance(reference, Bundle)
    assert reference.signature is None
