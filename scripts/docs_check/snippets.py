"""Python in pages: it parses, what it takes from fpm-edge exists with the arguments that it gives, doctests pass."""

import ast
import doctest
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from docs_check.pages import Block, Problem, blocks

__all__ = ["check_snippets"]

_OURS = ("fpm_edge", "fpm_edge_runtime", "fpm_edge_converters", "fpm_edge_calibration")


def check_snippets(page: Path) -> Iterator[Problem]:
    """Every ```python block of a page; names that an earlier block of it imported are known in the later ones."""
    known: dict[str, Any] = {}
    for block in blocks(page.read_text("utf-8")):
        if block.language != "python":
            continue
        if ">>>" in block.code:
            yield from _doctest(page, block)
            continue
        try:
            tree = ast.parse(block.code)
        except SyntaxError as error:
            yield Problem(page, block.line + (error.lineno or 1) - 1, f"is not Python: {error.msg}")
            continue
        for line, text in _wrong(tree, known):
            yield Problem(page, block.line + line - 1, text)


def _doctest(page: Path, block: Block) -> Iterator[Problem]:
    test = doctest.DocTestParser().get_doctest(block.code, {}, page.name, str(page), block.line - 1)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=said.append)
    if runner.failures:
        yield Problem(page, block.line, "".join(said))


def _wrong(tree: ast.Module, known: dict[str, Any]) -> Iterator[tuple[int, str]]:
    known.setdefault("fpm_edge_runtime", importlib.import_module("fpm_edge_runtime"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _OURS:
            module = importlib.import_module(node.module or "")
            for alias in node.names:
                if not hasattr(module, alias.name):
                    yield node.lineno, f"{node.module} has no {alias.name}"
                else:
                    known[alias.asname or alias.name] = getattr(module, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in _OURS:
                    known[alias.asname or alias.name] = importlib.import_module(alias.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = known.get(node.value.id)
            if isinstance(owner, ModuleType | type) and not hasattr(owner, node.attr):
                yield node.lineno, f"{node.value.id} has no {node.attr}"
        elif isinstance(node, ast.Call):
            yield from _arguments(node, known)


def _arguments(call: ast.Call, known: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Keywords that a function of ours does not take."""
    function = _resolve(call.func, known)
    if function is None or not callable(function):
        return
    parameters = inspect.signature(function).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for keyword in call.keywords:
        if keyword.arg is not None and keyword.arg not in parameters:
            yield call.lineno, f"{ast.unparse(call.func)} takes no {keyword.arg}="


def _resolve(node: ast.expr, known: dict[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _resolve(node.value, known)
        return getattr(owner, node.attr, None) if isinstance(owner, ModuleType | type) else None
    return None
