"""``card.md`` beside the weights of every trained model: what it is, how it came about, how good it is, and its limits.

The same facts give the same text. What is not known is left out.
"""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import msgspec

from fpm_edge.accuracy.evaluate import Evaluation
from fpm_edge.data import Dataset, RenderKey
from fpm_edge.model.arithmetic import stage_costs
from fpm_edge.model.config import ModelConfig
from fpm_edge.model.kinds import NetworkConfig, kind_of
from fpm_edge.text.markdown_text import code, plain
from fpm_edge.text.names import text_name
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.files import write_atomically

__all__ = ["CARD", "DataFacts", "EpochLosses", "ModelCard", "card_text", "data_facts", "tool_versions", "write_card"]

CARD = "card.md"

_TOOLS = ("fpm-edge", "tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy")
# Where errors of pictures spread as widely as their mean, the 95 % bounds of so many are ± 9 % of it (1.96 / √500).
_SMALL_SET = 500
_KINDS = {"fpm": "A Fashion Pose Machine", "fashionnet": "A FashionNet", "oneshot": "A one-shot heatmap network"}
_OWN_LANDMARKS = "- Read only the landmarks that the garment's category has; the others mean nothing."


@dataclass(frozen=True)
class DataFacts:
    """What a data set is, without where it is stored.

    Attributes:
        name: of the data set.
        records: garments in it.
        rendered: how many of them were drawn.
        digest: SHA-256 of the annotations.
        categories: records of each category that occurs, in the schema's order.
        derived: whether the landmarks were computed from other annotations rather than marked by people.
    """

    name: str
    records: int
    rendered: int
    digest: str
    categories: Mapping[str, int]
    derived: bool = False


class EpochLosses(Protocol):
    """What a card takes from the log of an epoch (`fpm_edge.train.loop.EpochLog`)."""

    @property
    def epoch(self) -> int:
        """From 1."""

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the loss terms; of a network with stages one a stage."""

    @property
    def losses(self) -> tuple[float, ...]:
        """Mean of each term over the epoch."""


@dataclass(frozen=True)
class ModelCard:
    """Everything that a card says. What is None or empty is left out.

    Attributes:
        name: of the model.
        config: its architecture.
        parameters: trainable ones, where they do not follow from `config`.
        training: what it was trained on.
        beside: what was beside that, each with its share of an epoch.
        recipe: name of the recipe that `settings` began with.
        settings: how it was trained.
        origin: the weights that training started from, by name.
        command: arguments of the command line that trains it again.
        seeds: name → seed, beside the one in `settings`.
        versions: tool → version; see `tool_versions`.
        losses: of every epoch.
        held: accuracy on pictures that training did not see.
        held_derived: whether the landmarks of those pictures were derived.
        floor: the mean shape of the training pictures, on the same pictures as `held`.
    """

    name: str
    config: NetworkConfig
    parameters: int | None = None
    training: DataFacts | None = None
    beside: Sequence[tuple[float, DataFacts]] = ()
    recipe: str | None = None
    settings: TrainSettings | None = None
    origin: str | None = None
    command: Sequence[str] = ()
    seeds: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    losses: Sequence[EpochLosses] = ()
    held: Evaluation | None = None
    held_derived: bool = False
    floor: Evaluation | None = None


def data_facts(dataset: Dataset, *, derived: bool = False) -> DataFacts:
    """The facts of `dataset`; only its user knows whether its landmarks are derived."""
    counts = Counter(record.category for record in dataset.records)
    return DataFacts(
        name=dataset.name,
        records=len(dataset),
        rendered=sum(isinstance(record.image, RenderKey) for record in dataset.records),
        digest=dataset.digest,
        categories={name: counts[name] for name in dataset.schema.categories if counts[name]},
        derived=derived,
    )


def tool_versions() -> dict[str, str]:
    """Versions of the packages that training uses, as far as they are installed."""
    found = {}
    for name in _TOOLS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write_card(folder: Path, card: ModelCard) -> None:
    """Write ``card.md`` into `folder`; it appears whole or not at all. Raises OSError."""
    write_atomically(folder / CARD, text_name(card_text(card)))


def card_text(card: ModelCard) -> str:
    """The card as Markdown."""
    sections = {
        "": _architecture(card),
        "Training": _training(card),
        "Training loss": _losses(card.losses),
        "Accuracy": _accuracy(card),
        "Good for": _good_for(card),
        "Not good for": _not_good_for(card),
        "Limits": _limits(card),
        "Made with": [f"- {tool} {number}" for tool, number in sorted(card.versions.items())],
    }
    lines = [f"# {plain(card.name)}"]
    for title, body in sections.items():
        if body:
            lines += [*(["", f"## {title}"] if title else []), "", *body]
    return "\n".join(lines) + "\n"


def _architecture(card: ModelCard) -> list[str]:
    config = card.config
    schema = config.schema
    size = f"input {config.input_width} × {config.input_height} pixels"
    what = _KINDS[kind_of(config)]
    if isinstance(config, ModelConfig):
        if config.centre_sigma is not None:
            what = "A Convolutional Pose Machine"
        stages = "1 stage" if config.stages == 1 else f"{config.stages} stages"
        costs = stage_costs(config)
        parameters = card.parameters or sum(cost.parameters for cost in costs)
        words = (
            f"{what} (architecture {code(config.name)}): {stages}, {size}, heatmaps "
            f"{config.map_size[0]} × {config.map_size[1]} (stride {config.stride}), "
            f"{parameters / 1e6:.2f} M parameters, {sum(cost.macs for cost in costs) / 1e9:.2f} GMAC a picture."
        )
    else:
        parameters = card.parameters or 0
        words = f"{what} (architecture {code(config.name)}): {size}"
        words += f", {parameters / 1e6:.2f} M parameters." if parameters else "."
    return [words, "", f"It finds the {len(schema.landmarks)} landmarks of schema {code(schema.name)}."]


def _training(card: ModelCard) -> list[str]:
    lines = []
    if card.training is not None:
        data = card.training
        parts = ", ".join(f"{plain(name)} {count:,}" for name, count in data.categories.items())
        lines.append(f"- Data: {plain(data.name)}, {data.records:,} records ({parts}){_drawn(data)}.")
        lines.append(f"- SHA-256 of the annotations: `{data.digest}`.")
        if data.derived:
            lines.append("- Its landmarks were derived from other annotations, not marked by people.")
    for share, other in card.beside:
        lines.append(f"- Beside it, {share:.0%} of each epoch: {other.name}, {other.records:,} records{_drawn(other)}.")
    if card.origin is not None:
        lines.append(f"- Started from: {plain(card.origin)}.")
    if card.recipe is not None:
        lines.append(f"- Recipe: `{card.recipe}`.")
    if card.settings is not None:
        settings = ", ".join(f"{name} {value}" for name, value in _flat(msgspec.to_builtins(card.settings)))
        lines.append(f"- Settings: {settings}.")
    if card.seeds:
        lines.append(f"- Seeds: {', '.join(f'{name} {seed}' for name, seed in sorted(card.seeds.items()))}.")
    if card.command:
        lines += [*([""] if lines else []), "To train it again:", "", f"    {shlex.join(card.command)}"]
    return lines


def _drawn(data: DataFacts) -> str:
    if data.rendered == data.records:
        return ", all drawn by a program"
    return f", {data.rendered:,} of them drawn by a program" if data.rendered else ""


def _flat(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names with dots, and values that are set."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", value


def _losses(losses: Sequence[EpochLosses]) -> list[str]:
    if not losses:
        return []
    rows = [[str(entry.epoch), *(f"{loss:.4g}" for loss in entry.losses)] for entry in losses]
    return _table(["epoch", *(term.replace("_", " ") for term in losses[0].terms)], rows)


def _accuracy(card: ModelCard) -> list[str]:
    held = card.held
    if held is None:
        return ["Not measured on pictures that training did not see."]
    named = [(str(entry.stage), entry) for entry in held.stages]
    if card.floor is not None:
        named.append(("mean shape of the training data", card.floor.stages[-1]))
    rows = [[name, _number(entry.ne.mean), _number(entry.contest_ne.mean)] for name, entry in named]
    return [
        f"On {held.pictures:,} held-out records of {plain(held.data)}, which training did not see; lower is better.",
        "",
        *_table(["stage", "NE (paper)", "NE (contest)"], rows),
        "",
        "NE (paper) divides distances by the picture's width and height and counts all labelled points; NE (contest) "
        "divides them by the garment's own length and counts visible points. The two are not comparable.",
    ]


def _good_for(card: ModelCard) -> list[str]:
    if card.training is None:
        return ["- Finding the landmarks of one garment of a known category in a picture like those of its training."]
    if _all_drawn(card):
        return ["- Trying every command, testing, and as a start for training on photographs."]
    return [
        f"- Finding the landmarks of one garment of a known category ({_names(card.training.categories)}) in a "
        f"picture like those of {plain(card.training.name)}.",
        "- A start for training on photographs of your own.",
    ]


def _not_good_for(card: ModelCard) -> list[str]:
    lines = []
    if _all_drawn(card):
        lines.append("- Photographs, as it is: this training run used none.")
    untrained = _untrained(card)
    if untrained:
        lines.append(f"- {_names(untrained)}: no garment of this kind was in the training data.")
    return [
        *lines,
        _recognizing(card.settings),
        "- Anything about the person who wears the garment.",
    ]


def _recognizing(settings: TrainSettings | None) -> str:
    if settings is not None and settings.absent_weight and settings.category_weight:
        return (
            "- Saying how many garments there are: it is meant for one a picture. Of which category that is, or that "
            "there is none, a bundle finds whose conversion could fit a rule for it."
        )
    return (
        "- Saying whether there is a garment, how many, or of which category: it must be told the category, and is "
        "meant for one garment a picture."
    )


def _limits(card: ModelCard) -> list[str]:
    lines = []
    data = card.training
    if data is not None:
        if _all_drawn(card):
            lines.append(
                "- This training run used drawn garments only, which are cleaner and more alike than photographs."
            )
        elif data.rendered:
            lines.append(f"- {data.rendered:,} of {data.records:,} training garments were drawn, not photographed.")
        if data.derived:
            lines.append("- The training landmarks are derived: the network has learnt their errors as well.")
        lines.append(f"- This training run had these categories only: {_names(_trained(card))}.")
    if card.held is None:
        lines.append("- No accuracy is known: measure it on pictures of your own before using it.")
        return [*lines, _OWN_LANDMARKS]
    if card.held_derived:
        lines.append("- The held-out landmarks are derived: the NE above holds their errors as well as the network's.")
    if card.held.pictures < _SMALL_SET:
        lines.append(
            f"- The held-out set is small ({card.held.pictures:,} records): the last digits of its NE are chance."
        )
    if card.floor is not None and not card.held.stages[-1].ne.mean < card.floor.stages[-1].ne.mean:
        lines.append("- Its NE is no better than that of the mean shape, which does not look at the picture.")
    return [*lines, _OWN_LANDMARKS]


def _all_data(card: ModelCard) -> list[DataFacts]:
    """What was trained on, and what was beside it."""
    return [*([] if card.training is None else [card.training]), *(other for _, other in card.beside)]


def _all_drawn(card: ModelCard) -> bool:
    """Whether no garment of this training run was photographed."""
    garments = [data for data in _all_data(card) if data.categories]
    return bool(garments) and all(data.rendered == data.records for data in garments)


def _trained(card: ModelCard) -> list[str]:
    """Categories of the training data, in the order of the schema."""
    seen = {name for data in _all_data(card) for name in data.categories}
    return [name for name in card.config.schema.categories if name in seen]


def _untrained(card: ModelCard) -> list[str]:
    if card.training is None:
        return []
    trained = _trained(card)
    return [name for name in card.config.schema.categories if name not in trained]


def _names(names: Iterable[str]) -> str:
    return ", ".join(plain(name) for name in names)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [headings, ["---", *("---:" for _ in headings[1:])], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _number(value: float) -> str:
    return "–" if value != value else f"{value:.4f}"
