"""A client keeps to the protocol: order, ids, refusals as answers, and an end when it is told to."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conformance.suite.client import Client, Refused
from conformance.suite.conftest import Running
from conformance.suite.pictures import Files, noise
from conformance.suite.tolerance import ANSWER_SECONDS

ALWAYS: dict[str, dict[str, Any]] = {"check": {}, "read": {"member": "manifest.json"}}


def test_it_says_what_it_is(client: Client) -> None:
    hello = client.ask("hello")
    assert hello == client.hello
    assert hello["runtime"]
    assert hello["version"]
    assert len(set(hello["abilities"])) == len(hello["abilities"])
    assert len({engine["name"] for engine in hello["engines"]}) == len(hello["engines"])


@pytest.mark.parametrize(
    "line",
    [
        b"x",
        b"",
        b"[]",
        b"7",
        b"{}",
        b'{"id": 5}',
        b'{"do": "hello"}',
        b'{"id": 5, "do": "open"}',
        b'{"id": 5, "do": "open", "path": 7}',
        b'{"id": 5, "do": "open", "path": "/a.fpm", "extra": 1}',
        b'{"id": 5, "do": "fly"}',
        b'{"id": 5, "do": null}',
        b'{"id": 5, "do": "judge", "path": "/a.fpm", "damages": [[[1]]]}',
        b'{"id": 5, "do": "hello"',
        b"\xff\xfe",
    ],
)
def test_what_is_no_request_is_a_usage_error(client: Client, line: bytes) -> None:
    answer = client.say(line)
    assert (answer["error"]["class"], answer["error"]["exit_code"]) == ("UsageError", 2)
    assert answer["id"] in (5, None)
    if b'"id": 5, "do"' in line and line.endswith(b"}"):
        assert answer["id"] == 5
    assert client.ask("hello")["protocol"] == 1


def test_ids_come_back_as_they_are(client: Client) -> None:
    for number in (0, -3, 2**53 - 1, "seven", "", "\u2603"):
        assert client.say(json.dumps({"id": number, "do": "hello"}).encode())["id"] == number


def test_requests_need_a_bundle_and_a_session(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    client.ask("close")
    for do, fields in ALWAYS.items():
        with pytest.raises(Refused, match=r"^UsageError"):
            client.ask(do, **fields)
    client.ask("open", path=bundles["colours"])
    able = {"detect", "stages", "detect_input"} & client.abilities
    for do in able:
        with pytest.raises(Refused, match=r"^UsageError"):
            client.ask(do, **files.picture(noise(48, 32)))
    assert client.ask("close") == client.ask("close") == {}


def test_optional_fields_may_be_null(client: Client, bundles: dict[str, Path]) -> None:
    plain = client.ask("open", path=bundles["colours"])
    assert client.ask("open", path=bundles["colours"], damage=None, trusted_keys=None, now=None) == plain


def test_five_hundred_requests_before_the_first_answer_is_read(client: Client, bundles: dict[str, Path]) -> None:
    client.ask("open", path=bundles["colours"])
    answers = client.ask_all([("read", {"member": "card.md"}), ("read", {"member": "none"})] * 250)
    assert answers[::2] == [answers[0]] * 250
    assert {answer.error_class for answer in answers[1::2]} == {"UsageError"}


def test_a_line_of_a_megabyte(client: Client, bundles: dict[str, Path]) -> None:
    damage = [[0, 0, "ab" * 2**19]]
    assert client.ask("judge", path=bundles["colours"], damages=[damage])["verdicts"] == ["BundleError"]


@pytest.mark.needs("letterbox")
def test_a_file_of_another_size_than_the_request_says(client: Client, files: Files) -> None:
    image = files.picture(noise(20, 10))
    for change in ({"width": 21}, {"height": 9}, {"image": "/no/such/file.raw"}):
        with pytest.raises(Refused, match=r"^UsageError"):
            client.ask("letterbox", **{**image, **change}, input=[48, 32])


def test_it_ends_when_told_to(client: Client, running: Running, tmp_path: Path) -> None:
    assert Client(running.command, tmp_path / "stderr.txt").end() == 0


def test_it_ends_with_its_input(client: Client, running: Running) -> None:
    done = subprocess.run(running.command, shell=True, input=b"", capture_output=True, timeout=ANSWER_SECONDS)
    assert (done.returncode, done.stdout) == (0, b"")
