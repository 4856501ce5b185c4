"""The requests of the protocol, one class each; fields are those of PROTOCOL.md."""

from pathlib import Path
from typing import Any, Literal

import msgspec

__all__ = [
    "Bye",
    "Check",
    "Close",
    "Damage",
    "Decode",
    "Detect",
    "DetectInput",
    "Hello",
    "Judge",
    "LetterboxRequest",
    "Load",
    "Monitor",
    "Open",
    "Picture",
    "Read",
    "Recognize",
    "Request",
    "Runs",
    "SelfCheck",
    "Stages",
    "Step",
    "decode_request",
]

Cut = tuple[int, int | None, str]
Damage = tuple[Cut, ...]
Box = tuple[float, float, float, float]
Point = tuple[float, float]


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", kw_only=True):
    id: int | float | str


class Hello(_Request, frozen=True, tag="hello"):
    """What the client is, and what it can do."""


class Open(_Request, frozen=True, tag="open"):
    """Open a bundle."""

    path: Path
    damage: Damage | None = None
    trusted_keys: tuple[Path, ...] | None = None
    now: float | None = None


class Judge(_Request, frozen=True, tag="judge"):
    """Open and check many damaged copies of a bundle."""

    path: Path
    damages: tuple[Damage, ...]
    trusted_keys: tuple[Path, ...] | None = None
    now: float | None = None


class Check(_Request, frozen=True, tag="check"):
    """Read everything in the open bundle."""


class Read(_Request, frozen=True, tag="read"):
    """Read one member."""

    member: str


class Close(_Request, frozen=True, tag="close"):
    """Close the open bundle."""


class Bye(_Request, frozen=True, tag="bye"):
    """Close, and end."""


class Picture(_Request, frozen=True):
    """What requests about a picture have in common."""

    image: Path
    width: int
    height: int


class LetterboxRequest(Picture, frozen=True, tag="letterbox"):
    """Make the network's input."""

    input: tuple[int, int]
    box: Box | None = None
    points: tuple[Point, ...] | None = None
    out: Path | None = None


class Decode(_Request, frozen=True, tag="decode"):
    """Read landmarks off heatmaps."""

    maps: Path
    dtype: Literal["int8", "uint8", "int16", "float32"]
    shape: tuple[int, int, int]
    layout: str
    landmarks: int
    count: int | None = None
    scale: float | None = None
    zero_point: int | None = None


class Recognize(_Request, frozen=True, tag="recognize"):
    """Which garment it is."""

    stage: int
    scores: tuple[tuple[float, ...], ...]
    category: str | None = None


class Load(_Request, frozen=True, tag="load"):
    """Load the open bundle into an engine."""

    engine: str | None = None
    format: Literal["tflite", "onnx"] | None = None
    threads: int | None = None
    stages: int | None = None
    clock: dict[str, tuple[float, ...]] | None = None
    answers: dict[str, tuple[Path, ...]] | None = None


class Detect(Picture, frozen=True, tag="detect"):
    """Find the landmarks of one picture."""

    category: str | None = None
    box: Box | None = None
    stages: int | None = None
    deadline_ms: float | None = None
    converge_px: float | Literal["fitted"] | None = None
    looks: int | None = None


class Stages(Picture, frozen=True, tag="stages"):
    """Find them, and give every stage's answer."""

    category: str | None = None
    box: Box | None = None
    stages: int | None = None
    deadline_ms: float | None = None
    pause_ms: float | None = None


class DetectInput(Picture, frozen=True, tag="detect_input"):
    """Every stage's landmarks for a ready-made input."""

    stages: int | None = None


class Runs(_Request, frozen=True, tag="runs"):
    """What the pieces were given."""


class SelfCheck(_Request, frozen=True, tag="self_check"):
    """The golden cases through the session."""


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a frame shows without a float model."""

    scores: tuple[float, ...]
    movement: float | None = None


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a monitor's stream; one of the fields is given."""

    shadow: tuple[tuple[float | None, ...], ...] | None = None
    frame: Frame | None = None
    flip: float | None = None
    failure: str | None = None
    golden: Literal["ok", "warning", "drifted"] | None = None
    reset: bool | None = None


class Monitor(_Request, frozen=True, tag="monitor"):
    """Feed a drift monitor."""

    stream: tuple[Step, ...]
    checkpoints: tuple[int, ...]
    limits: tuple[float, ...] | None = None
    landmarks: tuple[str, ...] | None = None
    subject: str | None = None
    alpha: float | None = None
    tolerance: float | None = None
    state: str | None = None
    save: bool | None = None


Request = (
    Hello | Open | Judge | Check | Read | Close | Bye
    | LetterboxRequest | Decode | Recognize
    | Load | Detect | Stages | DetectInput | Runs | SelfCheck | Monitor
)  # fmt: skip


def decode_request(line: bytes) -> Any:
    """A request. Raises msgspec.DecodeError where the line is none."""
    return msgspec.json.decode(line, type=Request, dec_hook=_path)


def _path(kind: type, value: Any) -> Any:
    return kind(value)
