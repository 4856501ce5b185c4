"""Two slots for bundles on a device: an update goes into the one not in use, and proves itself or is taken back.

The folder holds ``a.fpm``, ``b.fpm``, ``slots.json`` (see `slot_state`) and ``slots.lock``.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from fpm_edge_runtime.errors import BundleError, FpmEdgeError, UsageError
from fpm_edge_runtime.files import PART, stage_file
from fpm_edge_runtime.lock import locked
from fpm_edge_runtime.stages.bundle import Bundle, open_bundle
from fpm_edge_runtime.updates.slot_results import Boot, Installed, SlotReport, SlotsReport
from fpm_edge_runtime.updates.slot_state import (
    SLOTS,
    Slot,
    SlotRecord,
    SlotState,
    decode_state,
    encode_state,
    other,
)

__all__ = ["Slots"]

_STATE = "slots.json"
_LOCK = "slots.lock"


class Slots:
    """The two slots in a folder. Several processes may use one folder; one of them at a time is at work in it."""

    def __init__(
        self,
        folder: str | Path,
        *,
        trial_starts: int = 1,
        trusted_keys: Iterable[str | Path | bytes] | None = None,
        wait: float = 30.0,
    ) -> None:
        """Nothing is read or written yet.

        Args:
            folder: of the slots, and of nothing else. `install` makes it.
            trial_starts: how often a new bundle may start without being confirmed before it is taken back.
            trusted_keys: as for `open_bundle`: bundles must be signed with one of them, at `install` and at `boot`, and
                must not have expired when they are installed. None takes any bundle.
            wait: seconds to wait for another process that is at work in the folder.
        """
        if trial_starts < 1:
            raise UsageError(f"trial_starts is {trial_starts}; expected 1 or more")
        self._folder = Path(folder)
        self._trial_starts = trial_starts
        self._keys = None if trusted_keys is None else tuple(trusted_keys)
        self._wait = wait

    def path(self, slot: Slot) -> Path:
        """The file of a slot."""
        return self._folder / f"{slot}.fpm"

    def install(self, source: str | Path | bytes, *, sequence: int | None = None) -> Installed:
        """Put a bundle into the slot that is not in use. The next `boot` tries it.

        It is checked in full before and after it is written. At every moment, also if the process is killed or the
        power fails, `boot` gives either the bundle it gave before or the new one. Needs space for one more bundle and
        a kilobyte.

        Args:
            source: path of a ``.fpm`` file, or its content.
            sequence: number of the update: one lower than the highest confirmed is refused. With trusted keys it is the
                signature's; without, it is 0 unless given.

        Raises:
            BundleError: the bundle is not intact, or its sequence is too low. The slots are as they were.
            FpmEdgeError: the folder cannot be written, the disk is full, or another process is at work in the folder.
                What could be booted still can.
            UsageError: the sequence is negative, or given although there are trusted keys; the folder is none.
            MissingExtraError: there are trusted keys, and the package ``cryptography`` is missing.
        """
        if sequence is not None and (sequence < 0 or self._keys is not None):
            raise UsageError(f"sequence is {sequence}; expected 0 or more, and none where signatures are checked")
        open_bundle(source, self._keys).check()
        content = source if isinstance(source, bytes) else Path(source).read_bytes()
        opened = open_bundle(
            content, self._keys
        )  # the very bytes that are written: the file may have changed meanwhile
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with locked(self._folder / _LOCK, self._wait):
                return self._install(content, opened.digest, sequence or _sequence_of(opened))
        except FileExistsError as error:
            raise UsageError(f"{self._folder} is not a folder; name another for the slots") from error
        except OSError as error:
            raise FpmEdgeError(
                f"the bundle cannot be installed in {self._folder}: {error}; the bundles that were there still are. "
                f"The folder must be writable and have {len(content) + 4096} bytes free"
            ) from error

    def _install(self, content: bytes, digest: str, sequence: int) -> Installed:
        for left in self._folder.glob(f".*{PART}"):
            left.unlink()  # of an install that was killed: nobody else holds the lock
        state, notes, _ = self._load()
        if sequence < state.highest:
            raise BundleError(
                f"the bundle has sequence {sequence} and this device has confirmed {state.highest}; an older bundle is "
                "not installed over a newer one"
            )
        active = state.active
        if active is not None and self._holds(active, state.records[active], content, sequence):
            return Installed(active, self.path(active), digest, False, tuple(notes))
        slot = self._spare(state)
        records = {**state.records, slot: SlotRecord(digest, sequence, "trial")}
        new = msgspec.structs.replace(state, active=slot, records=records)
        # All that needs space comes before all that changes something.
        bundle_file = stage_file(self.path(slot), content)
        try:
            self._open(bundle_file.temporary, digest)
            state_file = stage_file(self._folder / _STATE, encode_state(new))
            try:
                bundle_file.commit()
                state_file.commit()
            finally:
                state_file.discard()
        finally:
            bundle_file.discard()
        return Installed(slot, self.path(slot), digest, True, tuple(notes))

    def boot(self) -> Boot:
        """The bundle to use now, checked in full. Call it once at each start of the device's application.

        A bundle on trial that has had its starts without being confirmed is given up, and so is a file that is not
        what was installed; the other slot is used then, and the result says so. If neither slot holds anything better,
        a bundle that was given up is tried again.

        Raises:
            BundleError: no slot holds a usable bundle.
            FpmEdgeError: another process is at work in the folder.
        """
        with self._locked():
            state, notes, recovered = self._load()
            records = dict(state.records)
            chosen = self._choose(state, records, notes)
            if chosen is None and not recovered:
                # Killed after one of both bundles was replaced and before that was written down, the other being bad.
                state, found = self._recover("neither slot holds what was installed", state.highest)
                records, recovered = dict(state.records), True
                notes += found
                chosen = self._choose(state, records, notes)
            if chosen is None:
                raise self._nothing(notes)
            slot, bundle = chosen
            record = records[slot]
            if record.status != "good":
                record = records[slot] = msgspec.structs.replace(record, starts=record.starts + 1)
            new = msgspec.structs.replace(state, active=slot, records=records)
            if new != state or recovered:
                try:
                    self._save(new)
                except OSError as error:
                    notes.append(f"the state cannot be written ({error}), so starts are not counted")
                    slot, bundle = self._countless(slot, bundle, records, notes)
                    record = records[slot]
            rolled_back = slot != state.active
            return Boot(slot, self.path(slot), bundle, record.status, record.starts, rolled_back, tuple(notes))

    def confirm(self, digest: str | None = None) -> Slot:
        """Say that a bundle is good: from now on it is what a later one is rolled back to. Returns its slot.

        Args:
            digest: of the bundle that was checked, `Boot.bundle.digest`; another process may have installed or rolled
                back meanwhile. None takes the active slot's, whatever it is.

        Raises:
            UsageError: the active slot does not hold this bundle.
            BundleError: nothing is installed.
            FpmEdgeError: the folder cannot be written, or another process is at work in it.
        """
        with self._locked():
            state, _, recovered = self._load()
            slot = state.active
            if slot is None:
                raise self._nothing([])
            record = state.records[slot]
            if digest is not None and record.digest != digest:
                raise UsageError(
                    f"the active slot {slot} holds bundle {record.digest}, not {digest}, which was replaced or rolled "
                    "back meanwhile; boot again and check that one"
                )
            if record.status != "good" or recovered:
                good = SlotRecord(record.digest, record.sequence, "good")
                highest = max(state.highest, record.sequence)
                new = msgspec.structs.replace(state, highest=highest, records={**state.records, slot: good})
                try:
                    self._save(new)
                except OSError as error:
                    raise FpmEdgeError(f"slot {slot} cannot be confirmed: {error}; make the folder writable") from error
            return slot

    def status(self) -> SlotsReport:
        """What is in the slots, their files checked in full; changes nothing.

        Raises:
            FpmEdgeError: another process is at work in the folder.
            BundleError: there is no such folder.
        """
        with self._locked():
            state, notes, _ = self._load()
            slots = sorted(state.records.items())
            reports = (SlotReport(slot, self.path(slot), record, self._problem(slot, record)) for slot, record in slots)
            return SlotsReport(state.active, state.highest, tuple(reports), tuple(notes))

    def _choose(
        self, state: SlotState, records: dict[Slot, SlotRecord], notes: list[str]
    ) -> tuple[Slot, Bundle] | None:
        """The best slot that can be used; `records` and `notes` learn why others cannot."""
        for slot in _in_order(state)[:1]:
            starts = records[slot].starts
            if records[slot].status == "trial" and starts >= self._trial_starts:
                _give_up(slot, f"not confirmed after {starts} of {self._trial_starts} starts", records, notes)
        for slot in sorted(_in_order(state), key=lambda slot: records[slot].status == "failed"):
            try:
                return slot, self._open(self.path(slot), records[slot].digest)
            except BundleError as error:
                _give_up(slot, str(error), records, notes)
        return None

    def _spare(self, state: SlotState) -> Slot:
        """The slot to install into: not the one to fall back to."""
        usable = [slot for slot in _in_order(state) if not self._problem(slot, state.records[slot])]
        kept = min(usable, key=lambda slot: state.records[slot].status != "good", default=None)
        return "a" if kept is None else other(kept)

    def _countless(
        self, slot: Slot, bundle: Bundle, records: dict[Slot, SlotRecord], notes: list[str]
    ) -> tuple[Slot, Bundle]:
        """Where starts cannot be counted, a trial could never be taken back: rather the other slot, if it is good."""
        spare = records.get(other(slot))
        if records[slot].status != "good" and spare is not None and spare.status == "good":
            try:
                better = self._open(self.path(other(slot)), spare.digest)
            except BundleError as error:
                notes.append(f"slot {other(slot)}: {error}")
            else:
                notes.append(f"slot {slot} is not tried")
                return other(slot), better
        return slot, bundle

    def _open(self, path: Path, digest: str | None) -> Bundle:
        """A slot's bundle, every byte of it checked. Raises BundleError."""
        # What had not expired when it was written may stay: a device must not stop because of a date.
        written = path.stat().st_mtime if self._keys is not None and path.exists() else None
        bundle = open_bundle(path, self._keys, now=written)
        if digest is not None and bundle.digest != digest:
            raise BundleError(f"{path} is another bundle than the one installed there, or an install was interrupted")
        for member in bundle.members:  # `install` has checked more; a bundle that is the same now passes that again
            bundle.read(member)
        return bundle

    def _problem(self, slot: Slot, record: SlotRecord) -> str:
        """Why a slot cannot be used; empty if it can."""
        try:
            self._open(self.path(slot), record.digest)
        except BundleError as error:
            return str(error)
        return ""

    def _holds(self, slot: Slot, record: SlotRecord, content: bytes, sequence: int) -> bool:
        try:
            return record.sequence == sequence and self.path(slot).read_bytes() == content
        except OSError:
            return False

    def _load(self) -> tuple[SlotState, list[str], bool]:
        """The state, notes for people, and whether the state had to be found out from the slots themselves."""
        path = self._folder / _STATE
        try:
            return decode_state(path.read_bytes()), [], False
        except FileNotFoundError:
            if not any(self.path(slot).exists() for slot in SLOTS):
                return SlotState(), [], False
            lost = f"{path} is missing"
        except (OSError, ValueError) as error:
            lost = f"{path} cannot be read ({error})"
        return *self._recover(f"{lost}; which sequences were confirmed is not known"), True

    def _recover(self, why: str, highest: int = 0) -> tuple[SlotState, list[str]]:
        """A state from the slots' own files. None of them counts as good, so that each has to prove itself."""
        records: dict[Slot, SlotRecord] = {}
        notes = [f"{why}; the slots' own files are used, the older one first, and none counts as confirmed"]
        for slot in SLOTS:
            try:
                records[slot] = _recorded(self._open(self.path(slot), None))
            except BundleError as error:
                notes.append(f"slot {slot}: {error}")
        # The younger one may never have been good: it was to replace the older one.
        active = min(records, key=lambda slot: self.path(slot).stat().st_mtime_ns, default=None)
        return SlotState(active, highest, records), notes

    def _save(self, state: SlotState) -> None:
        staged = stage_file(self._folder / _STATE, encode_state(state))
        try:
            staged.commit()
        finally:
            staged.discard()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self._folder.is_dir():
            raise self._nothing([])
        try:
            with locked(self._folder / _LOCK, self._wait):
                yield
        except OSError as error:
            raise FpmEdgeError(f"{self._folder} cannot be used: {error}; check the disk and who may read it") from error

    def _nothing(self, notes: list[str]) -> BundleError:
        return BundleError("; ".join([f"{self._folder} holds no bundle that can be used", *notes, "install one"]))


def _sequence_of(bundle: Bundle) -> int:
    """That of the signature, if there were keys to check it."""
    return 0 if bundle.signature is None else bundle.signature.sequence


def _recorded(bundle: Bundle) -> SlotRecord:
    return SlotRecord(bundle.digest, _sequence_of(bundle), "trial")


def _in_order(state: SlotState) -> list[Slot]:
    """The slots that hold something, the active one first."""
    return [] if state.active is None else [s for s in (state.active, other(state.active)) if s in state.records]


def _give_up(slot: Slot, reason: str, records: dict[Slot, SlotRecord], notes: list[str]) -> None:
    notes.append(f"slot {slot}: {reason}")
    records[slot] = msgspec.structs.replace(records[slot], status="failed", reason=reason)
