"""The float model inside a bundle."""

from collections.abc import Callable
from typing import TypeVar

from fpm_edge_runtime.bundle.contents import REFERENCE, BundleContents
from fpm_edge_runtime.errors import BundleError

__all__ = ["checked_reference"]

B = TypeVar("B", bound=BundleContents)


def checked_reference(bundle: B, opened: Callable[[bytes], B], where: str) -> B:
    """Open it; `where` is said in errors. Raises BundleError where it does not fit the bundle around it."""
    content = bundle.read(REFERENCE)
    try:
        reference = opened(content)
    except BundleError as error:
        raise BundleError(f"{where}: {error}") from error
    mine, its = bundle.manifest, reference.manifest
    if (mine.landmarks, mine.geometry, mine.stages) != (its.landmarks, its.geometry, its.stages):
        raise BundleError(
            f"{where} has other landmarks, geometry or stages than the bundle around it; make the bundle again"
        )
    if REFERENCE in reference.members:
        raise BundleError(f"{where} has a reference of its own; make the bundle again")
    return reference
