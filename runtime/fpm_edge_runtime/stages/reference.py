"""The float model inside a bundle."""

from fpm_edge_runtime.errors import BundleError
from fpm_edge_runtime.stages.bundle import REFERENCE, Bundle, open_bundle

__all__ = ["open_reference"]


def open_reference(bundle: Bundle, where: str) -> Bundle:
    """Open it; `where` is said in errors. Raises BundleError where it does not fit the bundle around it."""
    content = bundle.read(REFERENCE)
    try:
        reference = open_bundle(content)
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
