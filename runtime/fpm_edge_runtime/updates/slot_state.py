"""What is known of the bundles in two slots, and the small file that holds it."""

import hashlib
from typing import Literal

import msgspec

__all__ = ["SLOTS", "Slot", "SlotRecord", "SlotState", "Status", "decode_state", "encode_state", "other"]

Slot = Literal["a", "b"]
Status = Literal["trial", "good", "failed"]

SLOTS: tuple[Slot, Slot] = ("a", "b")


class SlotRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bundle in a slot.

    Attributes:
        digest: its `Bundle.digest`.
        sequence: the number it was installed with.
        status: ``trial`` until it is confirmed, then ``good``; ``failed`` once it was given up.
        starts: since it is not good: how often it has been started.
        reason: why it was given up.
    """

    digest: str
    sequence: int
    status: Status
    starts: int = 0
    reason: str = ""


class SlotState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Both slots.

    Attributes:
        active: which one to use; None before anything is installed.
        highest: of the sequences that were ever confirmed.
        records: of the slots that hold a bundle.
    """

    active: Slot | None = None
    highest: int = 0
    records: dict[Slot, SlotRecord] = {}


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: Literal[1]
    sha256: str
    state: msgspec.Raw


def other(slot: Slot) -> Slot:
    """The other slot."""
    return "b" if slot == "a" else "a"


def encode_state(state: SlotState) -> bytes:
    """The file's content."""
    raw = msgspec.json.encode(state, order="deterministic")
    return msgspec.json.encode(_File(1, hashlib.sha256(raw).hexdigest(), msgspec.Raw(raw))) + b"\n"


def decode_state(data: bytes) -> SlotState:
    """The state in a file's content. Raises ValueError where it is damaged, altered or contradicts itself."""
    file = msgspec.json.decode(data, type=_File)
    if hashlib.sha256(file.state).hexdigest() != file.sha256:
        raise ValueError("it does not have the SHA-256 it states")
    state = msgspec.json.decode(file.state, type=SlotState)
    if state.active is not None and state.active not in state.records:
        raise ValueError(f"nothing is recorded of its active slot {state.active}")
    return state
