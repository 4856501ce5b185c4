"""Slots: a new bundle is tried, confirmed or taken back, and what is damaged is not used."""

import os
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fpm_edge_runtime import Boot, BundleError, FpmEdgeError, GateError, Slots, UsageError, open_bundle
from fpm_edge_runtime.engines import installed_engines
from fpm_edge_runtime.lock import locked
from fpm_edge_runtime.updates.slot_state import SlotRecord, SlotState, decode_state, encode_state


def name(boot: Boot) -> str:
    return boot.bundle.manifest.name


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.rindex(b"stage_1")] ^= 1  # in stages/1.tflite
    path.write_bytes(content)


def test_the_first_bundle(tmp_path: Path, three_bundles: list[Path]) -> None:
    slots = Slots(tmp_path / "new" / "folder")
    with pytest.raises(BundleError, match="holds no bundle that can be used; install one"):
        slots.boot()
    done = slots.install(three_bundles[0].read_bytes())
    assert (done.slot, done.changed, done.notes) == ("a", True, ())
    assert done.digest == open_bundle(three_bundles[0]).digest
    first = slots.boot()
    assert (name(first), first.status, first.starts, first.rolled_back, first.notes) == ("old", "trial", 1, False, ())
    assert slots.confirm(first.bundle.digest) == "a"
    again = slots.boot()
    assert (name(again), again.status, again.starts) == ("old", "good", 0)


def test_without_another_the_first_is_tried_again(tmp_path: Path, three_bundles: list[Path]) -> None:
    slots = Slots(tmp_path)
    slots.install(three_bundles[0])
    slots.boot()
    second = slots.boot()
    assert (name(second), second.status, second.starts, second.rolled_back) == ("old", "failed", 2, False)
    assert second.notes == ("slot a: not confirmed after 1 of 1 starts",)
    slots.confirm(second.bundle.digest)
    assert slots.boot().status == "good"


def test_an_update_goes_where_the_good_one_is_not(slots: Slots, three_bundles: list[Path]) -> None:
    done = slots.install(three_bundles[2], sequence=3)
    assert done.slot == "a"
    trial = slots.boot()
    assert (name(trial), trial.status) == ("new", "trial")
    # A third one replaces the trial, not the good one.
    assert slots.install(three_bundles[0], sequence=3).slot == "a"
    assert (name(slots.boot()), name(slots.boot())) == ("old", "good")


def test_a_trial_that_is_not_confirmed_is_taken_back(slots: Slots, three_bundles: list[Path]) -> None:
    slots.install(three_bundles[2], sequence=3)
    assert name(slots.boot()) == "new"
    back = slots.boot()
    assert (name(back), back.slot, back.status, back.rolled_back) == ("good", "b", "good", True)
    assert back.notes == ("slot a: not confirmed after 1 of 1 starts",)
    after = slots.boot()
    assert (name(after), after.rolled_back, after.notes) == ("good", False, ())
    failed = slots.status().slots[0]
    assert (failed.record.status, failed.record.reason, failed.problem) == (
        "failed",
        "not confirmed after 1 of 1 starts",
        "",
    )


def test_more_starts_for_a_trial(slots: Slots, three_bundles: list[Path], tmp_path: Path) -> None:
    patient = Slots(tmp_path / "slots", trial_starts=3)
    slots.install(three_bundles[2], sequence=3)
    boots = [patient.boot() for _ in range(4)]
    assert [name(boot) for boot in boots] == ["new", "new", "new", "good"]
    assert [boot.starts for boot in boots] == [1, 2, 3, 0]
    with pytest.raises(UsageError, match="expected 1 or more"):
        Slots(tmp_path, trial_starts=0)


def test_installing_what_is_there_writes_nothing(slots: Slots, three_bundles: list[Path]) -> None:
    before = slots.path("b").stat().st_ino
    done = slots.install(three_bundles[1], sequence=2)
    assert (done.slot, done.changed) == ("b", False)
    assert slots.path("b").stat().st_ino == before
    assert slots.install(three_bundles[1], sequence=3).changed, "another number is another update"


def test_older_sequences_are_refused(slots: Slots, three_bundles: list[Path]) -> None:
    slots.install(three_bundles[2], sequence=7)
    assert slots.status().highest == 2
    slots.install(three_bundles[0], sequence=5)  # 7 was never confirmed
    slots.install(three_bundles[2], sequence=7)
    slots.confirm(slots.boot().bundle.digest)
    before = slots.status()
    with pytest.raises(BundleError, match="sequence 6 and this device has confirmed 7"):
        slots.install(three_bundles[0], sequence=6)
    assert slots.status() == before
    with pytest.raises(UsageError, match="sequence is -1"):
        slots.install(three_bundles[0], sequence=-1)


def test_confirm_is_of_what_was_checked(slots: Slots, three_bundles: list[Path]) -> None:
    slots.install(three_bundles[2], sequence=3)
    checked = slots.boot().bundle.digest
    slots.boot()  # another process starts, and takes it back
    with pytest.raises(UsageError, match=r"the active slot b holds bundle .*, which was replaced or rolled back"):
        slots.confirm(checked)
    assert slots.status().slots[0].record.status == "failed"


@pytest.mark.parametrize("how", ["altered", "cut", "gone", "another"])
def test_a_damaged_slot_is_not_used(slots: Slots, three_bundles: list[Path], how: str) -> None:
    path = slots.path("b")
    if how == "altered":
        damage(path)
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-5])
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(three_bundles[2].read_bytes())
    assert slots.status().slots[1].problem
    found = slots.boot()
    assert (name(found), found.slot, found.status, found.rolled_back) == ("old", "a", "good", True)
    assert found.notes[0].startswith(f"slot b: {path}")
    # The next update goes where the damage is.
    assert slots.install(three_bundles[2], sequence=3).slot == "b"


def test_an_update_spares_the_only_intact_slot(slots: Slots, three_bundles: list[Path]) -> None:
    damage(slots.path("b"))
    assert slots.install(three_bundles[2], sequence=3).slot == "b"
    assert [name(slots.boot()) for _ in range(2)] == ["new", "old"]


def test_both_slots_damaged(slots: Slots) -> None:
    damage(slots.path("a"))
    damage(slots.path("b"))
    state = (slots.path("a").parent / "slots.json").read_bytes()
    with pytest.raises(BundleError, match=r"no bundle that can be used; slot b: .*SHA-256.*; slot a: .*; install one"):
        slots.boot()
    assert (slots.path("a").parent / "slots.json").read_bytes() == state


@pytest.mark.parametrize("how", ["gone", "empty", "bit", "unknown field", "no record", "version", "folder"])
def test_a_state_that_is_lost_is_found_out_from_the_slots(slots: Slots, how: str) -> None:
    path = slots.path("a").parent / "slots.json"
    good = path.read_bytes()
    record = SlotRecord("0" * 64, 0, "good")
    if how == "bit":
        path.write_bytes(good.replace(b'"highest":2', b'"highest":3'))
    elif how == "unknown field":
        path.write_bytes(good.replace(b'"version"', b'"extra":1,"version"'))
    elif how == "no record":
        path.write_bytes(encode_state(SlotState("b", 0, {"a": record})))
    elif how == "version":
        path.write_bytes(good.replace(b'"version":1', b'"version":2'))
    else:
        path.unlink()
        if how == "empty":
            path.touch()
        elif how == "folder":
            path.mkdir()
    os.utime(slots.path("a"), (1000, 1000))
    found = slots.boot()
    assert (name(found), found.slot, found.status, found.starts) == ("old", "a", "trial", 1)
    assert found.notes[0].startswith(str(path))
    assert "none counts as confirmed" in found.notes[0]
    if how == "folder":
        assert any("cannot be written" in note for note in found.notes)
        return
    # It has to prove itself like any other, and has the other slot to go back to.
    back = slots.boot()
    assert (name(back), back.status, back.rolled_back) == ("good", "trial", True)
    slots.confirm(back.bundle.digest)
    assert (name(slots.boot()), slots.boot().status) == ("good", "good")


def test_recovery_passes_over_what_is_damaged(slots: Slots) -> None:
    (slots.path("a").parent / "slots.json").unlink()
    os.utime(slots.path("a"), (1000, 1000))
    damage(slots.path("a"))
    found = slots.boot()
    assert name(found) == "good"
    assert any(note.startswith("slot a: ") and "SHA-256" in note for note in found.notes)


def test_a_bundle_that_nothing_records_is_better_than_none(slots: Slots, three_bundles: list[Path]) -> None:
    """An install into slot a was killed before it wrote that down, and slot b has been damaged."""
    damage(slots.path("b"))
    slots.path("a").write_bytes(three_bundles[2].read_bytes())
    found = slots.boot()
    assert (name(found), found.status) == ("new", "trial")
    assert any("neither slot holds what was installed" in note for note in found.notes)
    slots.confirm(found.bundle.digest)
    assert slots.status().highest == 2


def test_a_bad_source_changes_nothing(slots: Slots, three_bundles: list[Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.fpm"
    bad.write_bytes(three_bundles[2].read_bytes())
    damage(bad)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "slots").iterdir())
    for source in (bad, bad.read_bytes(), tmp_path / "nothing.fpm", b""):
        with pytest.raises(BundleError):
            slots.install(source)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "slots").iterdir()) == before


def test_what_a_killed_install_left_is_removed(slots: Slots, three_bundles: list[Path]) -> None:
    left = slots.path("a").parent / ".a.fpm.x.part"
    left.write_bytes(b"half")
    slots.install(three_bundles[2], sequence=3)
    assert not left.exists()


def test_a_file_is_no_folder(three_bundles: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is not a folder; name another"):
        Slots(tmp_path / "file").install(three_bundles[0])


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users")
def test_a_read_only_folder(slots: Slots, three_bundles: list[Path], tmp_path: Path) -> None:
    """Root may write everywhere, so another user tries."""
    slots.install(three_bundles[2], sequence=3)
    folder = tmp_path / "slots"
    for path in (*folder.iterdir(), three_bundles[2]):
        path.chmod(0o444)
    folder.chmod(0o555)
    program = (
        "import os, sys; sys.path[:] = eval(sys.argv[3]); import fpm_edge_runtime as f\n"
        "slots = f.Slots('.'); new = open(sys.argv[1], 'rb').read(); os.chdir(sys.argv[2])\n"
        "f.open_bundle(new).check()  # imports all of Pillow that it needs, while it may\n"
        "os.geteuid() or os.setuid(65534)\n"
        "boot = slots.boot(); print(boot.bundle.manifest.name, boot.status, *boot.notes, sep='\\n')\n"
        "for what in (slots.confirm, lambda: slots.install(new, sequence=9)):\n"
        "    try: what()\n"
        "    except f.FpmEdgeError as error: print(type(error).__name__, error)\n"
    )
    arguments = [str(three_bundles[2]), str(folder), repr(sys.path)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["good", "good"]
    assert "starts are not counted" in lines[2]
    assert lines[3] == "slot a is not tried"
    assert lines[4].startswith("FpmEdgeError slot a cannot be confirmed: ")
    assert "the bundles that were there still are" in lines[5]
    assert len(lines) == 6


def test_installs_at_once(tmp_path: Path, three_bundles: list[Path]) -> None:
    """Each waits for the others; what the last one wrote is there, whole."""
    folder = tmp_path / "slots"
    program = (
        "import sys, fpm_edge_runtime as f; slots = f.Slots(sys.argv[1])\n"
        "for i in range(10): slots.install(sys.argv[2 + i % 2])"
    )
    arguments = [str(folder), *map(str, three_bundles[:2])]
    running = [subprocess.Popen([sys.executable, "-c", program, *arguments]) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    assert not [entry.problem for entry in Slots(folder).status().slots if entry.problem]
    assert name(Slots(folder).boot()) == "good"
    assert sorted(path.name for path in folder.iterdir()) == ["a.fpm", "b.fpm", "slots.json", "slots.lock"]


def test_another_process_at_work_is_waited_for_and_named(slots: Slots, tmp_path: Path) -> None:
    lock = tmp_path / "slots" / "slots.lock"
    hold = "import sys, time; from pathlib import Path; from fpm_edge_runtime.lock import locked\n"
    hold += "with locked(Path(sys.argv[1]), 1): print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", hold, str(lock)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(FpmEdgeError, match=r"is locked by another process, for more than 0\.05 s"):
        Slots(tmp_path / "slots", wait=0.05).boot()
    holder.kill()  # and the lock dies with it
    holder.wait()
    holder.stdout.close()
    assert name(slots.boot()) == "good"


def test_a_lock_is_given_back(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path / "lock", 0):
        raise KeyError
    with locked(tmp_path / "lock", 0), pytest.raises(FpmEdgeError), locked(tmp_path / "lock", 0):
        pass


def test_state_of_a_file() -> None:
    state = SlotState("a", 3, {"a": SlotRecord("0" * 64, 3, "trial", 1, "why")})
    good = encode_state(state)
    assert decode_state(good) == state
    accepted = []
    for place in range(len(good) - 1):
        changed = bytearray(good)
        changed[place] ^= 1
        try:
            accepted.append(decode_state(bytes(changed)))
        except ValueError:
            continue
    assert accepted == []


def test_a_long_life(three_bundles: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes in whatever order: while a file is intact something boots, and installs spare what is good."""
    monkeypatch.setattr(os, "fsync", lambda file: None)  # slow, and nothing here fails
    slots, chance = Slots(tmp_path / "slots"), random.Random(0)
    slots.install(three_bundles[0])
    happened: Counter[str] = Counter()
    for _ in range(300):
        intact = [entry for entry in slots.status().slots if not entry.problem]
        action = chance.choice(["install", "boot", "boot", "confirm", "damage", "lose the state"])
        if action == "install":
            good = [entry for entry in intact if entry.record.status == "good"]
            kept = next((entry for entry in good if entry.slot == slots.status().active), None) or next(
                iter(good), None
            )
            before = None if kept is None else kept.path.read_bytes()
            slots.install(chance.choice(three_bundles))
            assert kept is None or kept.path.read_bytes() == before
        elif action == "boot":
            found = slots.boot()
            happened[f"booted {found.status}"] += 1
            happened["rolled back"] += found.rolled_back
            assert found.path.read_bytes() in {bundle.read_bytes() for bundle in three_bundles}
        elif action == "confirm":
            slots.confirm()
        elif action == "damage" and len(intact) == 2:
            damage(chance.choice(intact).path)
        elif action == "lose the state" and intact:
            (tmp_path / "slots" / "slots.json").unlink(missing_ok=True)
    assert min(happened[what] for what in ("booted good", "booted trial", "booted failed", "rolled back")) >= 3


def test_the_loop_of_the_documentation(golden_tiny: dict[str, Path], tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "updates.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    program = program.replace("/var/lib/kiosk", str(tmp_path)).replace("new.fpm", str(golden_tiny["right"]))
    scope: dict[str, Any] = {}
    exec(program, scope)
    assert scope["session"].engine == installed_engines()[0]
    assert Slots(tmp_path / "model").boot().status == "good"
    again: dict[str, Any] = {}
    exec(program, again)
    assert again["choice"].passed.cached
    with pytest.raises(GateError, match="no engine passes"):
        exec(program.replace(str(golden_tiny["right"]), str(golden_tiny["wrong"])), {})
    back = Slots(tmp_path / "model").boot()
    assert (back.rolled_back, back.status) == (True, "good")
