"""How many mutants the slow part makes."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutants", type=int, default=100_000, metavar="N", help="random mutants of a bundle (-m slow)")
