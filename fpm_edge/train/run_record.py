"""What a run folder belongs to, so that a run is only resumed as itself."""

from pathlib import Path
from typing import Any

import msgspec

from fpm_edge.data import Dataset
from fpm_edge.model.kinds import NetworkConfig, config_to_dict
from fpm_edge.train.seen import SEEN_FILE, Seen, write_seen
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.files import write_atomically

__all__ = ["CHECKPOINT", "RUN", "check_run", "check_unused", "identity_of", "record_run", "record_seen"]

CHECKPOINT = "checkpoint.safetensors"
RUN = "run.json"
# The key of the digest of `SEEN_FILE`.
_SEEN = "trained_on"
# How often a run saves changes nothing about what it computes.
_FREE = ("checkpoint_minutes",)


def identity_of(
    config: NetworkConfig, dataset: Dataset, settings: TrainSettings, origin: str, teacher: str, devices: int
) -> dict[str, object]:
    """Everything that the weights depend on."""
    plain = msgspec.to_builtins(settings)
    return {
        "config": config_to_dict(config),
        "settings": {name: value for name, value in plain.items() if name not in _FREE},
        "data": dataset.name,
        "records": len(dataset.records),
        "annotations": dataset.digest,
        "origin": origin,
        "teacher": teacher,
        "devices": devices,
    } | ({"sampled": [[group.count, group.each] for group in dataset.sampled]} if dataset.sampled else {})


def check_unused(folder: Path) -> None:
    """Raise UsageError where `folder` holds a checkpoint."""
    if (folder / CHECKPOINT).exists():
        raise UsageError(f"{folder}: holds a checkpoint already; continue it with --resume, or use another folder")


def record_run(folder: Path, run: dict[str, object], seen: Seen) -> None:
    """Mark `folder` as this run's, which trains on the photographs `seen`. Raises OSError."""
    # First, so that there are never weights that do not say what they have seen.
    write_seen(folder, seen)
    run = run | {_SEEN: seen.digest}
    write_atomically(folder / RUN, msgspec.json.format(msgspec.json.encode(run), indent=2))


def record_seen(folder: Path, seen: Seen) -> None:
    """Of a run that is resumed and was begun by a version that did not keep it. Raises OSError."""
    if not (folder / SEEN_FILE).exists():
        write_seen(folder, seen)


def check_run(folder: Path, run: dict[str, object]) -> None:
    """Raise UsageError unless `folder` holds a checkpoint of this very run."""
    record = folder / RUN
    if not (folder / CHECKPOINT).is_file():
        raise UsageError(f"{folder}: there is no checkpoint to resume; start without --resume")
    if not record.is_file() or _completed(record.read_bytes()) != _completed(msgspec.json.encode(run)):
        raise UsageError(
            f"{folder}: its checkpoint was made with other settings or data, from other weights, or on another number "
            f"of devices (see {RUN} there); resume with the same ones, or use another folder"
        )


def _completed(record: bytes) -> dict[str, Any]:
    """A record as plain values. A setting that did not exist when it was written had what is now its default."""
    run: dict[str, Any] = msgspec.json.decode(record)
    defaults: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(TrainSettings()))
    settings = {name: value for name, value in (defaults | run["settings"]).items() if name not in _FREE}
    # What was seen follows from data and origin, which are compared.
    return {key: value for key, value in run.items() if key != _SEEN} | {"settings": settings}
