"""The example for GitHub Actions: it is YAML, it gates, and the command line takes each of its commands."""

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from fpm_edge.cli import cli

FOLDER = Path(__file__).parents[3] / "examples/github-actions"


@pytest.fixture(scope="module")
def workflow() -> Any:
    return yaml.safe_load((FOLDER / "fpm-edge.yml").read_text("utf-8"))


def _commands(script: str, values: dict[str, Any]) -> list[list[str]]:
    """The `fpm-edge` commands of a shell script, split into arguments."""
    lines = [line.strip() for line in script.replace("\\\n", " ").splitlines()]
    found = [shlex.split(line) for line in lines if line.startswith("fpm-edge ")]
    return [[re.sub(r"\$(\w+)", lambda name: str(values[name[1]]), word) for word in line[1:]] for line in found]


def _parse(arguments: list[str]) -> dict[str, Any]:
    """What the command would be called with. Raises click.UsageError for what it does not take."""
    with click.Context(cli, info_name="fpm-edge") as context:
        command = cli.get_command(context, arguments[0])
        assert command is not None, f"no command {arguments[0]}"
        return command.make_context(arguments[0], list(arguments[1:]), parent=context).params


def test_the_command_line_takes_the_commands(workflow: Any) -> None:
    scripts = [step["run"] for step in workflow["jobs"]["report"]["steps"] if "run" in step]
    found = [command for script in scripts for command in _commands(script, workflow["env"])]
    parsed = [(command[0], _parse(command)) for command in found]
    assert [name for name, _ in parsed] == ["convert", "convert", "report", "report"]
    outputs = [str(values["output"]) for _, values in parsed]
    assert outputs == ["out/mine.fpm", "out/mine-float.fpm", "out/report", "out/compare"]
    report, compare = (values for name, values in parsed if name == "report")
    assert [str(path) for path in report["bundles"]] == outputs[:2]
    assert report["holdout"] == parsed[0][1]["holdout"] == workflow["env"]["HOLDOUT"]
    assert report["max_ne_drift"] == 0.03
    assert [str(path) for path in compare["compared"]] == ["base/report", "out/report"]
    assert compare["max_ne_increase"] == 0.02


def test_a_command_that_is_not_taken_would_be_found() -> None:
    with pytest.raises(click.UsageError, match="--max-nothing"):
        _parse(["report", "a.fpm", "--max-nothing", "1"])


def test_the_page_about_it_has_commands_that_are_taken(workflow: Any) -> None:
    found = _commands((FOLDER / "README.md").read_text("utf-8"), workflow["env"])
    assert [_parse(command)["max_latency_increase"] for command in found] == [0.1]


def test_the_evidence_is_kept_where_a_budget_is_not_met(workflow: Any) -> None:
    steps = {step.get("name", step.get("uses")): step for step in workflow["jobs"]["report"]["steps"]}
    assert "if" not in steps["Report"]
    for name in ("Compare with the base branch", "Summary", "Keep the bundles and the reports"):
        assert "!cancelled()" in steps[name]["if"], name
    assert "continue-on-error" not in str(workflow)
    # Values from outside reach scripts through the environment, never as text of the script.
    assert not any("${{" in step.get("run", "") for step in steps.values())
