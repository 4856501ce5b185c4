"""The conversions that a search makes, kept in a folder while it lasts."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from fpm_edge.convert.convert import Calibration, draft_bundle
from fpm_edge.convert.inputs import NetworkInputs, network_inputs
from fpm_edge.convert.quantized import LoadedModel, load_any
from fpm_edge.search.space import File
from fpm_edge_runtime import Bundle, open_bundle
from fpm_edge_runtime.bundle.manifest import Format
from fpm_edge_runtime.errors import ConversionError, UsageError
from fpm_edge_runtime.files import write_atomically

__all__ = ["Files"]


class Files:
    """Bundles by precision and input size, each converted when it is first asked for, with all stages."""

    def __init__(
        self,
        folder: Path,
        model: Path,
        calibration: Calibration,
        chosen: Sequence[int],
        formats: Sequence[Format],
        tell: Callable[[str], None],
    ) -> None:
        """Args:
        folder: where the bundles are kept; a bundle that is there is taken as it is.
        model: the model's folder.
        calibration, chosen: what sets the ranges, and the indices of its pictures.
        formats: which ones the engines read.
        tell: told of every conversion.
        """
        self._folder = folder
        self._model = model
        self._calibration = calibration
        self._chosen = chosen
        self._formats = formats
        self._tell = tell
        self._open: dict[File, Bundle] = {}
        self._ready: _Ready | None = None

    def get(self, file: File) -> Bundle:
        """The bundle; it may lack a format that this precision does not have.

        Raises:
            ConversionError: no format of it can be made.
        """
        if file not in self._open:
            path = self._folder / f"{file.name}.fpm"
            if not path.is_file():
                self._folder.mkdir(parents=True, exist_ok=True)
                write_atomically(path, self._convert(file))
            self._open[file] = open_bundle(path)
        return self._open[file]

    def clear(self) -> None:
        """Remove what was made in the folder, and the folder if nothing else is in it."""
        self._open.clear()
        if self._folder.is_dir():
            # Also what a killed search left half-written.
            for path in [*self._folder.glob("*.fpm"), *self._folder.glob(".*.part")]:
                path.unlink()
            if not any(self._folder.iterdir()):
                self._folder.rmdir()

    def _convert(self, file: File) -> bytes:
        if self._ready is None or self._ready.input_size != file.input_size:
            # One size after the other: only the last one is kept.
            self._ready = _Ready(self._model, file.input_size, self._calibration, self._chosen)
        ready = self._ready
        reasons = []
        # A precision that one format does not have may still be had in the other.
        for formats in (tuple(self._formats), *((form,) for form in self._formats)):
            self._tell(f"converting {file.name} to {' and '.join(formats)}")
            try:
                return draft_bundle(
                    self._model, ready.loaded, file.precision, self._calibration, self._chosen, ready.inputs, formats
                )
            except (ConversionError, UsageError) as error:
                reasons.append(f"{' and '.join(formats)}: {error}")
                if len(self._formats) == 1:
                    break
        raise ConversionError("; ".join(reasons))


class _Ready:
    """A model and its calibration inputs at one size."""

    def __init__(
        self, model: Path, input_size: tuple[int, int], calibration: Calibration, chosen: Sequence[int]
    ) -> None:
        self.input_size = input_size
        self._model = model
        self._calibration = calibration
        self._chosen = chosen

    @cached_property
    def loaded(self) -> LoadedModel:
        return load_any(self._model, None, self.input_size)

    @cached_property
    def inputs(self) -> NetworkInputs:
        return network_inputs(self._calibration.dataset, self._chosen, self.loaded.config)
