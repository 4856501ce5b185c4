"""Plain values into msgspec structs, with one message that names the file, the key, what was found and expected."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import inspect

from fpm_edge_runtime.errors import FpmEdgeError, UsageError
from fpm_edge_runtime.toml_file import found_value

__all__ = ["convert_strictly", "nearest"]

_Type = TypeVar("_Type")
_Path: TypeAlias = tuple[str | int, ...]

# msgspec's names of types, in the words of a configuration file.
_WORDS = {
    "object": "a table",
    "array": "a list",
    "int": "a whole number",
    "float": "a number",
    "str": "a text in quotes",
    "bool": "true or false",
}
# Types that hold values which a struct may have refused.
_HOLDERS = inspect.StructType | inspect.VarTupleType | inspect.ListType | inspect.DictType


def convert_strictly(value: Any, target: type[_Type], *, where: str, at: str) -> _Type:
    """`value` as a `target`.

    Args:
        value: what a TOML or JSON file holds.
        target: a msgspec struct.
        where: the file, for the message.
        at: the key under which the file holds `value`.

    Raises:
        UsageError: an unknown key, a missing one, a wrong type, or a value that the struct refuses.
    """
    try:
        return msgspec.convert(value, target)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {_explain(str(error), value, inspect.type_info(target), at)}") from None
    except FpmEdgeError as error:
        path = _blame(value, inspect.type_info(target), str(error))
        raise UsageError(f"{where}: {_join(at, path)}: {error}") from error


def nearest(word: str, known: Iterable[str]) -> str:
    """“; did you mean …?” where one of `known` is close to `word`, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _explain(message: str, value: Any, target: inspect.Type, at: str) -> str:
    """msgspec's message in the words of the file."""
    said, _, tail = message.partition(" - at `$")
    path = _steps(tail)
    key, here = _join(at, path), _type_at(target, path)
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", said):
        known = _keys(here)
        hint = nearest(unknown[1], known) or ";"
        return f"{_join(at, (*path, unknown[1]))}: unknown key{hint} valid keys: {', '.join(known)}"
    if missing := re.fullmatch(r"Object missing required field `(.*)`", said):
        field = _type_at(target, (*path, missing[1]))
        return f"{_join(at, (*path, missing[1]))} is missing; expected {_wanted(field)}"
    if isinstance(here, inspect.LiteralType) and said.startswith("Invalid enum value"):
        found = _value_at(value, path)
        return (
            f"{key} is {found_value(found)}{nearest(str(found), map(str, here.values)) or ';'} expected {_wanted(here)}"
        )
    expected = re.sub(r"`([^`]*)`", lambda quoted: _in_words(quoted[1]), said.partition(", got")[0])
    try:
        found = found_value(_value_at(value, path))
    except LookupError:  # msgspec does not say which entry of a dictionary it was.
        found = said.partition(", got ")[2].strip("`") or "wrong"
    return f"{key} is {found}; {expected[0].lower()}{expected[1:]}"


def _steps(tail: str) -> _Path:
    """``.train.stages[2]`` (with msgspec's closing backtick) as ("train", "stages", 2)."""
    found = re.findall(r"\.([^.\[\]`]+)|\[(\d+|\.\.\.)\]", tail)
    return tuple(int(index) if index.isdigit() else index or name for name, index in found)


def _join(at: str, path: _Path) -> str:
    return at + "".join(f"[{step}]" if isinstance(step, int) or step == "..." else f".{step}" for step in path)


def _members(kind: inspect.Type) -> list[inspect.Type]:
    return (
        [m for m in kind.types if not isinstance(m, inspect.NoneType)]
        if isinstance(kind, inspect.UnionType)
        else [kind]
    )


def _type_at(kind: inspect.Type, path: _Path) -> inspect.Type:
    """The type that a value of `kind` has at `path`; AnyType where it does not say."""
    for step in path:
        kind = next(
            (inner for member in _members(kind) if (inner := _inner(member, step)) is not None), inspect.AnyType()
        )
    members = _members(kind)
    return members[0] if len(members) == 1 else kind


def _inner(kind: inspect.Type, step: str | int) -> inspect.Type | None:
    if isinstance(kind, inspect.StructType):
        return next((field.type for field in kind.fields if field.encode_name == step), None)
    if isinstance(kind, inspect.TupleType):
        return kind.item_types[step] if isinstance(step, int) else None
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        return kind.item_type
    return kind.value_type if isinstance(kind, inspect.DictType) else None


def _keys(kind: inspect.Type) -> list[str]:
    return [field.encode_name for field in kind.fields] if isinstance(kind, inspect.StructType) else []


def _value_at(value: Any, path: _Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _wanted(kind: inspect.Type) -> str:
    """What a value of this type looks like."""
    if isinstance(kind, inspect.LiteralType):
        return f"one of: {', '.join(map(str, kind.values))}"
    names = {
        inspect.StructType: "object",
        inspect.DictType: "object",
        inspect.VarTupleType: "array",
        inspect.TupleType: "array",
        inspect.ListType: "array",
        inspect.IntType: "int",
        inspect.FloatType: "float",
        inspect.StrType: "str",
        inspect.BoolType: "bool",
    }
    return " or ".join(_WORDS.get(names.get(type(member), ""), "a value") for member in _members(kind))


def _in_words(types: str) -> str:
    """``float | null`` as “a number”: a key that may be null is left out of a TOML file."""
    return " or ".join(_WORDS.get(name, name) for name in types.split(" | ") if name != "null")


def _blame(value: Any, kind: inspect.Type, said: str) -> _Path:
    """Path of the key that a struct refused with the message `said`, as far as it can be told."""
    steps: Iterable[str | int] = ()
    if isinstance(value, Mapping):
        steps = value
    elif isinstance(value, list | tuple):
        steps = range(len(value))
    for step in steps:
        inner = _type_at(kind, (step,))
        for member in _members(inner):
            if isinstance(member, _HOLDERS) and _refusal(value[step], member) == said:
                return (step, *_blame(value[step], member, said))
    # The struct itself refused: take the key that the message names.
    named = [key for key in _keys(kind) if re.search(rf"\b{key}\b", said)]
    return tuple(named) if len(named) == 1 else ()


def _refusal(value: Any, kind: inspect.Type) -> str | None:
    """What converting says, None where it succeeds."""
    try:
        msgspec.convert(value, _python_type(kind))
    except (FpmEdgeError, msgspec.ValidationError) as error:
        return str(error)
    return None


def _python_type(kind: inspect.Type) -> Any:
    if isinstance(kind, inspect.StructType):
        return kind.cls
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        return list[_python_type(kind.item_type)]  # type: ignore[misc]
    if isinstance(kind, inspect.DictType):
        return dict[str, _python_type(kind.value_type)]  # type: ignore[misc]
    return Any
