"""Ed25519 signatures: by whose key a bundle was released, until when it may be used, and which of two is newer.

A signed bundle has one member more, ``signature.json``: a statement about manifest.json, which holds the digests of all
others, and the signature of that statement (decision 0019). The package ``cryptography`` is imported to check one.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from fpm_edge_runtime.bundle.container import SIGNATURE
from fpm_edge_runtime.errors import BundleError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = [
    "LATEST",
    "MAX_SEQUENCE",
    "SIGNATURE",
    "SignedStatement",
    "Statement",
    "check_statement",
    "decode_signature",
    "load_keys",
    "moment",
    "public_key_digest",
    "refuse_without_cryptography",
    "signed_bytes",
]

MAX_SEQUENCE = 2**53 - 1
"""The last integer that every JSON reader keeps exactly."""

LATEST = 253402300799
"""The last second of the year 9999."""

# Nothing that the key signs elsewhere passes for a bundle's signature.
_PREFIX = b"fpm-edge bundle signature, version 1\n"

# A device's clock may be so far behind that of the machine that signed.
_CLOCK_TOLERANCE = 300

_Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Time = Annotated[int, msgspec.Meta(ge=0, le=LATEST)]


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a signature says.

    Attributes:
        manifest: SHA-256 of manifest.json, hexadecimal; `Bundle.digest`.
        key: SHA-256 of the 32 bytes of the public key, hexadecimal.
        created: when it was signed, Unix time in seconds.
        expires: from when on it is no longer good, Unix time in seconds; None for never.
        sequence: of two bundles for one purpose, the one with the higher number is newer.
    """

    manifest: _Digest
    key: _Digest
    created: _Time
    expires: _Time | None
    sequence: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQUENCE)]


class SignedStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of ``signature.json``: a statement, and the Ed25519 signature of `signed_bytes`, hexadecimal."""

    statement: Statement
    signature: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{128}\Z")]


def signed_bytes(statement: Statement) -> bytes:
    """The bytes that a signature signs."""
    return _PREFIX + msgspec.json.encode(statement)


def decode_signature(raw: bytes) -> SignedStatement:
    """Parse ``signature.json``, of which there is one encoding for each content. Nothing is verified.

    Raises:
        BundleError: it is damaged, of another form, or expires before it was created.
    """
    try:
        signed = msgspec.json.decode(raw, type=SignedStatement)
        if msgspec.json.encode(signed) != raw:
            raise ValueError("it is not in the one form that fpm-edge writes")
        expires = signed.statement.expires
        if expires is not None and expires <= signed.statement.created:
            raise ValueError("it expires before it was created")
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{SIGNATURE} is not valid: {error}; sign the bundle again") from error
    return signed


def public_key_digest(key: "Ed25519PublicKey") -> str:
    """By what a statement names a key: SHA-256 of its 32 bytes, hexadecimal."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def load_keys(sources: Iterable[str | Path | bytes]) -> dict[str, "Ed25519PublicKey"]:
    """Public keys, of PEM files or their content as bytes, by their digest.

    Raises:
        UsageError: there is none, or one is not an Ed25519 public key.
        MissingExtraError: the package ``cryptography`` is missing.
    """
    if isinstance(sources, str | bytes | Path):
        raise UsageError("trusted_keys is one key; expected a list of keys")
    keys = [_load_key(source) for source in sources]
    if not keys:
        raise UsageError("there is no trusted key, so no bundle could be accepted; name at least one")
    return {public_key_digest(key): key for key in keys}


def check_statement(signed: SignedStatement, keys: Mapping[str, "Ed25519PublicKey"], now: float | None) -> Statement:
    """The statement, if one of the keys signed it and it has not expired.

    The keys are of `load_keys`. `now` is Unix time in seconds, None for this device's clock; a signature that never
    expires does not ask for it.

    Raises:
        BundleError: another key signed it, the signature is wrong, it has expired, or the clock is wrong.
    """
    from cryptography.exceptions import InvalidSignature

    statement = signed.statement
    if statement.key not in keys:
        raise BundleError(
            f"it is signed with key {statement.key}, which is not trusted; trusted: {', '.join(sorted(keys))}"
        )
    try:
        keys[statement.key].verify(bytes.fromhex(signed.signature), signed_bytes(statement))
    except InvalidSignature as error:
        raise BundleError(
            f"its signature is not by key {statement.key}, which it names: damaged or forged; get the original file"
        ) from error
    if statement.expires is None:
        return statement
    clock = time.time() if now is None else now
    if not clock >= statement.created - _CLOCK_TOLERANCE:
        raise BundleError(
            f"its signature expires, and by this device's clock it was signed in the future, on "
            f"{moment(statement.created)}; set the clock"
        )
    if clock >= statement.expires:
        raise BundleError(f"its signature expired on {moment(statement.expires)}; get a newer one")
    return statement


def moment(seconds: int) -> str:
    """Unix time for people: ``2027-01-31 08:00:00 UTC``."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def refuse_without_cryptography() -> None:
    """Raise MissingExtraError unless the package ``cryptography`` is there."""
    try:
        import cryptography.hazmat.primitives.asymmetric.ed25519  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"signatures need the package cryptography ({error}); install it: pip install 'fpm-edge[signing]'"
        ) from error


def _load_key(source: str | Path | bytes) -> "Ed25519PublicKey":
    refuse_without_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    name = "a trusted key" if isinstance(source, bytes) else str(source)
    try:
        key = load_pem_public_key(source if isinstance(source, bytes) else Path(source).read_bytes())
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}; check the path") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{name} is not a public key in PEM form; `fpm-edge keygen` writes one as KEY.pub") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{name} is a key of another kind; expected Ed25519, as `fpm-edge keygen` makes it")
    return key
