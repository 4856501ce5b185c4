"""docs/reference/api.md, from the signatures and docstrings of `fpm_edge_runtime`'s public names."""

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any

import msgspec

import fpm_edge_runtime

__all__ = ["api_page"]

_HEAD = """\
# Python API

The public names of `fpm_edge_runtime`, the package that runs on a device. Made from the code by
`scripts/make_reference.py`; the test suite holds this page to it.

Coordinates are pixels; the middle of the top left pixel is (0, 0). Pictures are (height, width, 3) uint8 RGB. All
errors are `FpmEdgeError`s, and each has the exit code that the command line gives for it.
"""

# Heading → names; what is named nowhere ends up under "Other", so that nothing is forgotten.
_TOPICS = {
    "Bundles": ("open_bundle", "Bundle", "Manifest", "LandmarkSchema", "load_schema", "write_bundle"),
    "Landmarks": ("Session", "Detection", "StageResult", "Timings", "load_image", "normalized_error"),
    "Engines": (
        "load_engine", "Engine", "PieceRunner", "choose_engine", "EngineChoice", "CheckCache", "check_in_child",
        "EngineCheck", "fastest_engine", "SpeedChoice", "Speed", "SpeedCache", "check_goldens", "GoldenReport",
    ),
    "Cameras and video": (
        "Live", "LiveCounts", "Pool", "Tracker", "Tracked", "Cropping", "Smoother", "Smoothing", "Steady",
    ),
    "Drift": ("DriftMonitor", "MonitorReport", "Shadow", "Guard", "StepTaken", "DriftLog", "flip_consistency"),
    "Updates": ("Slots", "SlotsReport", "Boot", "Installed"),
    "Errors": (
        "FpmEdgeError", "UsageError", "DataError", "ImageError", "SchemaError", "ModelError", "ConversionError",
        "GateError", "BundleError", "MissingExtraError",
    ),
}  # fmt: skip

# Sections of a docstring, as STYLE has them.
_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):\s*$")
_ITEM = re.compile(r"^(?P<names>[\w*][\w*, ]*): (?P<text>.*)$")


def api_page() -> str:
    named = {name for names in _TOPICS.values() for name in names}
    others = tuple(name for name in fpm_edge_runtime.__all__ if name not in named and not name.startswith("__"))
    parts = [_HEAD]
    for topic, names in (*_TOPICS.items(), *((("Other", others),) if others else ())):
        parts.append(f"## {topic}\n")
        for name in names:
            parts.extend(_entry(name, getattr(fpm_edge_runtime, name)))
    return "\n".join(parts)


def _entry(name: str, thing: Any) -> Iterator[str]:
    yield f"### {name}\n"
    if not inspect.isclass(thing):
        yield f"```text\n{_signature(name, thing)}\n```\n"
        yield _markdown(inspect.getdoc(thing))
        return
    if issubclass(thing, fpm_edge_runtime.FpmEdgeError):
        yield f"{_markdown(inspect.getdoc(thing))}\nExit code {thing.exit_code}.\n"
        return
    plain = dataclasses.is_dataclass(thing) or issubclass(thing, msgspec.Struct)
    # Where somebody else makes it, how is their business.
    made_by_callers = "Get one from" not in (thing.__doc__ or "") and not getattr(thing, "_is_protocol", False)
    if made_by_callers and (plain or thing.__init__ is not object.__init__):
        yield f"```text\n{_signature(name, thing)}\n```\n"
    yield _markdown(inspect.getdoc(thing))
    if thing.__init__.__doc__ and "__init__" in vars(thing) and not plain:
        yield _markdown(inspect.getdoc(thing.__init__))
    for member, value in _members(thing).items():
        if not member.startswith("_") or (member == "__call__" and getattr(thing, "_is_protocol", False)):
            yield from _member(name, member, value)


def _members(thing: type) -> dict[str, Any]:
    """Its own, after those of bases that have no name of their own in the API."""
    public = [getattr(fpm_edge_runtime, name) for name in fpm_edge_runtime.__all__]
    bases = [base for base in thing.__mro__ if base.__module__.startswith("fpm_edge_runtime.")]
    found: dict[str, Any] = {}
    for base in reversed([base for base in bases if base is thing or base not in public]):
        found |= vars(base)
    return found


def _member(owner: str, name: str, value: Any) -> Iterator[str]:
    if isinstance(value, property):
        assert value.fget is not None
        given = inspect.signature(value.fget).return_annotation
        yield f"`{owner}.{name}`: `{_annotation(given)}`. {_markdown(inspect.getdoc(value))}"
    elif isinstance(value, classmethod | staticmethod) or inspect.isfunction(value):
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        yield f"```text\n{_signature(f'{owner}.{name}', function)}\n```\n"
        yield _markdown(inspect.getdoc(function))


def _signature(name: str, thing: Any) -> str:
    """Such as `open_bundle(source: str | Path | bytes, ...) -> Bundle`; one argument a line where it is long."""
    signature = inspect.signature(thing)
    shown: list[str] = []
    positional_only = False
    for parameter in signature.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not any(part.startswith("*") for part in shown):
            shown.append("*")
        if positional_only and parameter.kind is not parameter.POSITIONAL_ONLY:
            shown.append("/")
        positional_only = parameter.kind is parameter.POSITIONAL_ONLY
        star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        text = f"{star}{parameter.name}"
        if parameter.annotation is not parameter.empty:
            text += f": {_annotation(parameter.annotation)}"
        if parameter.default is not parameter.empty:
            text += f" = {_default(parameter.default)}"
        shown.append(text)
    if positional_only:
        shown.append("/")
    returns = "" if inspect.isclass(thing) or signature.return_annotation is signature.empty else (
        f" -> {_annotation(signature.return_annotation)}"
    )  # fmt: skip
    line = f"{name}({', '.join(shown)}){returns}"
    if len(line) <= 100:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in shown) + f"){returns}"


def _annotation(given: Any) -> str:
    text = given if isinstance(given, str) else inspect.formatannotation(given)
    text = re.sub(r"ForwardRef\('([^']*)'[^)]*\)", r"\1", text)
    if "numpy.ndarray[tuple" in text:
        text = text.replace("numpy.ndarray[tuple[typing.Any, ...], numpy.dtype[", "NDArray[").replace("]]", "]")
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z])", "", text)
    return text.replace("NoneType", "None")


def _default(value: Any) -> str:
    if inspect.isfunction(value) or inspect.isclass(value):
        return value.__name__
    text = repr(value)
    if text == "<factory>":
        return "..."
    assert " at 0x" not in text, f"the default {text} differs from run to run"
    return text


def _markdown(docstring: str | None) -> str:
    """A docstring as Markdown: sections become lists."""
    lines: list[str] = []
    section = None
    for line in (docstring or "").split("\n"):
        if _SECTION.match(line):
            section = line.rstrip(":")
            lines += [f"*{section}*", ""]
        elif section and line.startswith("    "):
            item = _ITEM.match(line[4:])
            if item and not line.startswith("     "):
                names = ", ".join(f"`{name.strip()}`" for name in item["names"].split(","))
                lines.append(f"- {names}: {item['text']}")
            else:
                lines.append(f"    {line.strip()}" if lines and lines[-1] else f"- {line.strip()}")
        else:
            section = section if not line.strip() else None
            lines.append(line)
    return "\n".join(lines).replace("``", "`").strip() + "\n"
