"""Make keys and sign bundles. Checking a signature is the runtime's (`fpm_edge_runtime.bundle.signature`)."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fpm_edge_runtime import Bundle, UsageError, open_bundle
from fpm_edge_runtime.bundle.signature import (
    LATEST,
    MAX_SEQUENCE,
    SIGNATURE,
    SignedStatement,
    Statement,
    decode_signature,
    public_key_digest,
    refuse_without_cryptography,
    signed_bytes,
)
from fpm_edge_runtime.files import write_atomically
from fpm_edge_runtime.stages.pack import signed_bundle_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["KeyPair", "make_keys", "sign_bundle", "stated"]


@dataclass(frozen=True)
class KeyPair:
    """The files of a new key.

    Attributes:
        private: PEM (PKCS #8, not encrypted), readable by its owner only; signs.
        public: PEM; what devices trust.
        digest: by which signatures name it, SHA-256 of the 32 bytes of the public key, hexadecimal.
    """

    private: Path
    public: Path
    digest: str


def make_keys(path: Path) -> KeyPair:
    """Write a new private key to `path`, and its public key beside it, with ``.pub`` behind the name.

    Raises:
        UsageError: one of the files is there already; a key is never replaced.
        MissingExtraError: the package ``cryptography`` is missing.
        OSError: the folder does not exist, or the disk refused.
    """
    refuse_without_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    public = path.with_name(f"{path.name}.pub")
    for file in (path, public):
        if file.exists():
            raise UsageError(f"{file} is there already, and a key is never replaced; choose another name")
    key = Ed25519PrivateKey.generate()
    private_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public_pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_atomically(path, private_pem, mode=0o600)
    try:
        write_atomically(public, public_pem)
    except BaseException:
        path.unlink()
        raise
    return KeyPair(path, public, public_key_digest(key.public_key()))


def sign_bundle(
    source: Path,
    key: Path,
    output: Path | None = None,
    *,
    expires: int | None = None,
    sequence: int = 0,
    now: int | None = None,
) -> Statement:
    """Sign a bundle, in place of a signature that it may have. Every other member stays as it is, byte for byte.

    Args:
        source: the bundle.
        key: the private key, a PEM file.
        output: where to write the signed bundle; None for its own place.
        expires: from when on devices refuse it, Unix time in seconds; None for never.
        sequence: higher than that of every bundle that it replaces, where devices must not go back; 0 to 2⁵³ − 1.
        now: when it is signed, Unix time in seconds; None for this machine's clock.

    Raises:
        BundleError: the bundle is damaged; nothing is written.
        OSError: the disk refused; it names the file, and nothing is written.
        UsageError: the key is not one, or expires or sequence is out of range.
        MissingExtraError: the package ``cryptography`` is missing.
    """
    private = _load_private(key)
    created = int(time.time()) if now is None else now
    if expires is not None and not created < expires <= LATEST:
        raise UsageError("the signature would expire before it is made, or after the year 9999; choose another date")
    if not 0 <= sequence <= MAX_SEQUENCE:
        raise UsageError(f"sequence is {sequence}; expected 0 to {MAX_SEQUENCE}")
    bundle = open_bundle(source)
    statement = Statement(
        manifest=bundle.digest,
        key=public_key_digest(private.public_key()),
        created=created,
        expires=expires,
        sequence=sequence,
    )
    signed = SignedStatement(statement, private.sign(signed_bytes(statement)).hex())
    content = signed_bundle_bytes(bundle, msgspec.json.encode(signed))
    open_bundle(content)
    write_atomically(source if output is None else output, content)
    return statement


def stated(bundle: Bundle) -> Statement | None:
    """What a bundle's signature states, unverified; None if it has none."""
    return decode_signature(bundle.read(SIGNATURE)).statement if SIGNATURE in bundle.members else None


def _load_private(path: Path) -> "Ed25519PrivateKey":
    refuse_without_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; check the path") from error
    except TypeError as error:
        raise UsageError(f"{path} is encrypted; decrypt it first") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} is not a private key in PEM form; `fpm-edge keygen` makes one") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} is a key of another kind; expected Ed25519, as `fpm-edge keygen` makes it")
    return key
