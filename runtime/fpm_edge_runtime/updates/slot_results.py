"""What `slots.Slots` answers."""

from dataclasses import dataclass
from pathlib import Path

from fpm_edge_runtime.stages.bundle import Bundle
from fpm_edge_runtime.updates.slot_state import Slot, SlotRecord, Status

__all__ = ["Boot", "Installed", "SlotReport", "SlotsReport"]


@dataclass(frozen=True)
class Installed:
    """What `Slots.install` did.

    Attributes:
        slot: where the bundle is now.
        path: of its file.
        digest: its `Bundle.digest`, for `Slots.confirm`.
        changed: False where the slot in use held this very bundle already, and nothing was written.
        notes: what else was noticed, for people.
    """

    slot: Slot
    path: Path
    digest: str
    changed: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Boot:
    """The bundle to use now.

    Attributes:
        slot: where it is.
        path: of its file.
        bundle: it, open; every member's digest has been checked.
        status: ``good``: confirmed. ``trial``: run the self-check, then confirm it. ``failed``: it was given up, and
            there is nothing better.
        starts: how often it has been started without being confirmed, this time included.
        rolled_back: another bundle was to be used and could not be; `notes` say why.
        notes: what was noticed, for people.
    """

    slot: Slot
    path: Path
    bundle: Bundle
    status: Status
    starts: int
    rolled_back: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class SlotReport:
    """One slot: what is known of it, and why its file cannot be used (empty where it can)."""

    slot: Slot
    path: Path
    record: SlotRecord
    problem: str


@dataclass(frozen=True)
class SlotsReport:
    """All there is to know of a folder of slots; `active` is the one that was booted last, or is to be tried next."""

    active: Slot | None
    highest: int
    slots: tuple[SlotReport, ...]
    notes: tuple[str, ...]
