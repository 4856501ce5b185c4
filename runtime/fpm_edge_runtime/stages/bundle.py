"""An open bundle: what is in it, and the way to run it."""

from collections.abc import Iterable
from pathlib import Path

from fpm_edge_runtime.bundle.contents import REFERENCE, BundleContents
from fpm_edge_runtime.engines import ENGINES, Engine, default_engine, load_engine
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.stages.session import Session

__all__ = ["Bundle", "open_bundle"]


def open_bundle(
    source: str | Path | bytes,
    trusted_keys: Iterable[str | Path | bytes] | None = None,
    *,
    now: float | None = None,
) -> "Bundle":
    """Open a bundle and check all that can be checked without reading its models.

    Args:
        source: path of a ``.fpm`` file, or its content.
        trusted_keys: Ed25519 public keys, PEM files or their content as bytes: the bundle must be signed with one of
            them, and not have expired. None takes any bundle, and verifies no signature.
        now: Unix time in seconds by which it may have expired; None for this device's clock.

    Raises:
        BundleError: it is missing, damaged, altered, of an unknown version, or contradicts itself; it is not signed,
            signed by another key, wrongly signed or expired.
        UsageError: a trusted key is not one, or there are none.
        MissingExtraError: there are trusted keys, and the package ``cryptography`` is missing.
    """
    return Bundle(source, trusted_keys, now)


class Bundle(BundleContents):
    """An open bundle. Get one from `open_bundle`.

    It keeps no file open. Each `read` checks the digest of what it read, so a file that changes later is noticed.
    """

    def reference(self) -> "Bundle | None":
        """The float model that this one is compared with, or None if the bundle has none.

        Raises:
            BundleError: it is damaged, or has other landmarks, stages or geometry.
        """
        if REFERENCE not in self._entries:
            return None
        # Devices that compare nothing need none of it.
        from fpm_edge_runtime.bundle.reference import checked_reference

        return checked_reference(self, open_bundle, f"{self._data.where}: {REFERENCE}")

    def check(self) -> None:
        """Read everything in it, that of its float model too, but load no model.

        Raises:
            BundleError: a member is damaged, or does not fit the manifest.
        """
        for member in self.members:
            self.read(member)
        golden = self.golden()
        for case in golden.cases if golden else ():
            self.golden_input(case)
        reference = self.reference()
        if reference is not None:
            reference.check()

    def session(
        self, engine: str | Engine | None = None, threads: int | None = None, stages: int | None = None
    ) -> Session:
        """Load the pieces into an engine, ready to detect.

        Args:
            engine: name of an engine (see `ENGINES`), or one of your own; None for the first that is installed, in the
                order LiteRT, tflite-runtime, ONNX Runtime, OpenVINO, and reads the bundle. `Session.engine` says which.
            threads: for the engine to use; None leaves it to the engine.
            stages: load only the first so many stages; None for all.

        Raises:
            UsageError: the engine is unknown or reads none of the bundle's formats; a number is out of range.
            MissingExtraError: the engine is not installed, or none is.
            BundleError: a piece is damaged, or not what the manifest says.
            FpmEdgeError: the engine is for a GPU or NPU, which is not there or does not take all of a piece; or it
                fails.
        """
        if engine is None:
            engine = default_engine(self.formats)
        if isinstance(engine, str):
            engine = load_engine(engine)
        form = next((form for form in engine.formats if form in self.formats), None)
        if form is None:
            able = [name for name, known in ENGINES.items() if set(known.formats) & set(self.formats)]
            raise UsageError(
                f"engine {engine.name} reads {', '.join(engine.formats)} and the bundle has {', '.join(self.formats)}; "
                f"choose one of: {', '.join(able)}, or convert the model again with the other format"
            )
        return Session(self, engine, form, threads=threads, stages=stages)
