"""Search: rung after rung, then the choice and its bundle."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fpm_edge.convert.convert import convert
from fpm_edge.report.data import Environment
from fpm_edge.report.environment import describe_environment
from fpm_edge.report.latency import Frames
from fpm_edge.search.files import Files
from fpm_edge.search.halving import Drop, judge, pareto
from fpm_edge.search.result import LeftOut, Reference, SearchResult, Written, nearest_of, within
from fpm_edge.search.scoring import Scorer
from fpm_edge.search.setup import Rung, Setup
from fpm_edge.search.space import Candidate, File
from fpm_edge.search.store import TRIALS, Store
from fpm_edge.search.timing import time_candidates, turns
from fpm_edge.search.trial import Trial, time_of
from fpm_edge.text.names import text_name
from fpm_edge.text.progress import progress_bar
from fpm_edge_runtime import Bundle, Session, open_bundle
from fpm_edge_runtime.engines import ENGINES, load_engine
from fpm_edge_runtime.errors import ConversionError, FpmEdgeError, GateError, MissingExtraError

__all__ = ["BUNDLE", "CANDIDATES", "run_search"]

BUNDLE = "model.fpm"
CANDIDATES = "candidates"
_REFERENCE_ENGINE = "litert"
# Load of a processor from which on others' work is likely to be measured.
_BUSY = 0.5
# So many at once are measured after all where nothing else keeps the budgets.
_RECALLED = 8


def run_search(setup: Setup, folder: Path, *, resume: bool, tell: Callable[[str], None]) -> SearchResult:
    """Search, and write the bundle of the choice into `folder`, which exists.

    Raises:
        UsageError, DataError: as `Store`, or what it goes on with.
        ConversionError: nothing could be converted, or the bundle does not answer as what was measured.
    """
    return _Search(setup, folder, Store(folder / TRIALS, setup.settings(), resume=resume), tell).run()


class _Search:
    def __init__(self, setup: Setup, folder: Path, store: Store, tell: Callable[[str], None]) -> None:
        self._setup = setup
        self._folder = folder
        self._store = store
        self._tell = tell
        formats = tuple(
            dict.fromkeys(ENGINES[engine].formats[0] for engine in (_REFERENCE_ENGINE, *setup.space.engines))
        )
        self._files = Files(folder / CANDIDATES, setup.model, setup.calibration, setup.chosen, formats, tell)
        # By chance, so that the first pictures are like all of them.
        order = np.random.default_rng(0).permutation(len(setup.scored))
        self._pictures = setup.scored.subset(order)
        self._reference = (setup.reference, _REFERENCE_ENGINE)
        self._scorer = Scorer(self._pictures, setup.budgets.drift.part, self._reference)
        self._sessions: dict[tuple[File, str, int], Session] = {}
        self._reasons: dict[Candidate, str] = {}

    def run(self) -> SearchResult:
        setup = self._setup
        alive = list(setup.space)
        self._tell(f"{len(alive)} candidates on {len(setup.scored)} pictures of {setup.scored.name}")
        # The load now, before the search makes its own.
        environment = describe_environment(max(setup.space.threads), setup.rungs[-1].runs)
        if environment.load is not None and environment.load > _BUSY * environment.logical_cpus:
            self._tell(
                f"the machine is busy (load {environment.load:.1f} on {environment.logical_cpus} processors): times "
                "will be longer than they need be"
            )
        for number, rung in enumerate(setup.rungs, start=1):
            alive = self._rung(number, rung, alive)
        trials = self._final(alive)
        while not within(trials, setup.budgets) and (recalled := self._recalled(trials)):
            self._tell(f"nothing keeps the budgets yet; {len(recalled)} that only made room are measured as well")
            for candidate in recalled:
                del self._reasons[candidate]
            alive += self._rung(len(setup.rungs), setup.rungs[-1], recalled)
            trials = self._final(alive)
        front = pareto(trials, setup.budgets.counts_size)
        # One of an earlier end of this search: it stays only if it is chosen again.
        (self._folder / BUNDLE).unlink(missing_ok=True)
        choice, written = self._choose(trials)
        self._explain(trials, front, choice)
        last = self._store.last_trials()
        self._files.clear()
        return SearchResult(
            data=setup.scored.name,
            pictures=len(setup.scored),
            budgets=setup.budgets,
            reference=Reference(
                setup.origin["name"], setup.reference.input_size, setup.stages, trials[0].score.reference_ne
            ),
            rungs=tuple((rung.pictures or 0, rung.runs) for rung in setup.rungs),
            candidates=len(setup.space),
            trials=tuple(last),
            reasons=self._reasons,
            left_out=tuple(LeftOut(file.name, engine, why) for (file, engine), why in self._store.left_out.items()),
            pareto=tuple(front),
            choice=choice,
            nearest=None if choice else nearest_of(last, setup.budgets),
            bundle=written,
            environment=self._plain(environment),
        )

    def _final(self, candidates: Sequence[Candidate]) -> list[Trial]:
        return [self._store.trials[len(self._setup.rungs), candidate] for candidate in candidates]

    def _recalled(self, trials: Sequence[Trial]) -> list[Candidate]:
        """Some that were dropped without certainty, and looked nearer to the budgets than all that was kept."""
        budgets = self._setup.budgets
        nearest = min(budgets.excess(trial) for trial in trials)
        waiting = [
            (budgets.excess(trial), trial.candidate)
            for trial in self._store.last_trials()
            if trial.rung < len(self._setup.rungs)
            and trial.candidate in self._reasons
            and not self._store.dropped[trial.candidate].certain
        ]
        return [candidate for excess, candidate in sorted(waiting)[:_RECALLED] if excess < nearest]

    # ---- one rung ----

    def _rung(self, number: int, rung: Rung, alive: list[Candidate]) -> list[Candidate]:
        pictures = rung.pictures or len(self._pictures)
        files = list(dict.fromkeys(candidate.file for candidate in alive))
        self._tell(
            f"rung {number} of {len(self._setup.rungs)}: {len(alive)} candidates in {len(files)} conversions, "
            f"{pictures} pictures, {rung.runs} runs"
        )
        for index, file in enumerate(files, start=1):
            mine = [candidate for candidate in alive if candidate.file == file and candidate not in self._reasons]
            if mine:
                self._score(number, pictures, mine, f"rung {number}, {index} of {len(files)}: {file.name}")
            if number == 1 and file.is_exact:
                self._prune(file, [c for c in alive if c.file != file and c.file.input_size == file.input_size])
        alive = [
            candidate for candidate in alive if candidate not in self._reasons and self._is_scored(number, candidate)
        ]
        alive = self._time(number, rung.runs, alive)
        if not alive:
            reasons = "; ".join(dict.fromkeys(self._store.left_out.values()))
            raise ConversionError(f"none of the candidates can be had: {reasons}")
        if number == len(self._setup.rungs):
            return alive
        dropped = judge([self._store.trials[number, candidate] for candidate in alive], self._setup.budgets)
        self._drop(number, dropped)
        alive = [candidate for candidate in alive if candidate not in dropped]
        wanted = {(c.file, c.engine, c.threads) for c in alive}
        self._sessions = {key: session for key, session in self._sessions.items() if key in wanted}
        return alive

    def _score(self, number: int, pictures: int, candidates: Sequence[Candidate], what: str) -> None:
        """Accuracy of the candidates, all of one file, where it is not known."""
        file = candidates[0].file
        wanted = [
            engine
            for engine in dict.fromkeys(candidate.engine for candidate in candidates)
            if (number, file, engine) not in self._store.scores
        ]
        sessions = {}
        for engine in wanted:
            threads = min(candidate.threads for candidate in candidates if candidate.engine == engine)
            session = self._session(file, engine, threads)
            if session is not None:
                sessions[file, engine] = session
        if not sessions:
            return
        missing = {key: self._scorer.missing(key, pictures) for key in {self._reference, *sessions}}
        # It may have to be converted first, which has a bar of its own.
        reference = self._reference_session if missing[self._reference] else None
        with progress_bar(what, sum(missing.values())) as advance:
            if reference is not None:
                self._scorer.run(self._reference, reference, pictures, advance)
            for key, session in sessions.items():
                self._scorer.run(key, session, pictures, advance)
                stages = {candidate.stages for candidate in candidates if candidate.engine == key[1]}
                self._store.scored(number, *key, self._scorer.scores(key, pictures, stages))

    def _is_scored(self, number: int, candidate: Candidate) -> bool:
        return candidate.stages in self._store.scores.get((number, candidate.file, candidate.engine), {})

    def _prune(self, exact: File, others: Sequence[Candidate]) -> None:
        """Spare conversions of a size at which the exact one is over the drift budget for certain already."""
        engine = next((name for name in self._setup.space.engines if (1, exact, name) in self._store.scores), None)
        if engine is None:
            return
        dropped: dict[Candidate, Drop] = {}
        for candidate in others:
            score = self._store.scores[1, exact, engine].get(candidate.stages)
            if (
                score is not None
                and candidate not in self._reasons
                and self._setup.budgets.over_drift(score.drift.lower)
            ):
                dropped[candidate] = Drop(
                    f"not measured: {exact.precision} with as many stages at this size has NE drift ≥ "
                    f"{score.drift.lower:+.1%} ({self._setup.budgets.drift.overall:.1%})",
                    True,
                )
        self._drop(1, dropped)

    def _time(self, number: int, runs: int, candidates: list[Candidate]) -> list[Candidate]:
        """The candidates whose trial on this rung is there, after timing those that were not timed yet."""
        untimed = [candidate for candidate in candidates if (number, candidate) not in self._store.trials]
        sessions = {c: session for c in untimed if (session := self._session(c.file, c.engine, c.threads)) is not None}
        if sessions:
            with progress_bar(f"rung {number}: timing", len(sessions) * turns(runs)) as advance:
                found = time_candidates(sessions, self._frames, runs, advance)
            trials = []
            for candidate, timings in found.items():
                bundle = self._files.get(candidate.file)
                pieces = {piece.name: piece.member for piece in bundle.manifest.pieces[sessions[candidate].format]}
                score = self._store.scores[number, candidate.file, candidate.engine][candidate.stages]
                size = sum(len(bundle.read(pieces[name])) for name in timings[0].pieces)
                trials.append(Trial(number, candidate, score, time_of(timings), size))
            self._store.tried(trials)
        return [candidate for candidate in candidates if (number, candidate) in self._store.trials]

    def _drop(self, number: int, dropped: dict[Candidate, Drop]) -> None:
        self._store.drop(number, dropped)
        self._reasons |= {candidate: drop.reason for candidate, drop in dropped.items()}

    # ---- what is run ----

    def _session(self, file: File, engine: str, threads: int) -> Session | None:
        """None where it cannot be had, and the store says why."""
        key = (file, engine, threads)
        if key in self._sessions:
            return self._sessions[key]
        if (file, None) in self._store.left_out or (file, engine) in self._store.left_out:
            return None
        try:
            bundle = self._files.get(file)
        except ConversionError as error:
            self._store.left(file, None, str(error))
            return None
        try:
            self._sessions[key] = bundle.session(engine, threads=threads)
        except MissingExtraError:
            raise
        except FpmEdgeError as error:
            self._store.left(file, engine, str(error))
            return None
        return self._sessions[key]

    @cached_property
    def _reference_session(self) -> Session:
        return self._files.get(self._setup.reference).session(_REFERENCE_ENGINE, threads=1)

    @cached_property
    def _frames(self) -> Frames:
        return Frames(self._setup.scored)

    # ---- the end ----

    def _choose(self, trials: Sequence[Trial]) -> tuple[Trial | None, Written | None]:
        """The best trial that keeps the budgets and whose bundle passes the gate of `convert`."""
        for trial in within(trials, self._setup.budgets):
            if trial.candidate in self._store.refused:
                continue
            self._tell(f"writing {trial.candidate.name}")
            try:
                return trial, self._write(trial)
            except GateError as error:
                self._store.refuse(trial.candidate, str(error))
        return None, None

    def _write(self, trial: Trial) -> Written:
        setup, candidate = self._setup, trial.candidate
        measured = self._files.get(candidate.file)
        form = next(form for form in ENGINES[candidate.engine].formats if form in measured.formats)
        draft = self._folder / CANDIDATES / BUNDLE
        result = convert(
            setup.model,
            draft,
            precision=candidate.file.precision,
            calibration=setup.calibration,
            score=setup.scored,
            stages=candidate.stages,
            input_size=candidate.file.input_size,
            formats=(form,),
            budget=setup.budgets.drift,
            # `prepare` has refused them, unless they were asked for.
            allow_seen=True,
        )
        bundle = open_bundle(draft)
        members = [piece.member for piece in bundle.manifest.pieces[form]]
        if any(bundle.manifest.digests[member] != measured.manifest.digests[member] for member in members):
            self._check_alike(bundle, measured, candidate)
        path = self._folder / BUNDLE
        drift = result.drift[form].stages[-1].relative_drift
        assert drift is not None, "the gate has seen it"
        size = draft.stat().st_size
        draft.replace(path)
        return Written(text_name(str(path)), size, drift)

    def _check_alike(self, bundle: Bundle, measured: Bundle, candidate: Candidate) -> None:
        """A last stage's file has no outputs for stages after it, if it is converted without them; it answers alike."""
        of_bundle, of_measured = (
            one.session(candidate.engine, threads=candidate.threads, stages=candidate.stages)
            for one in (bundle, measured)
        )
        for picture, box in self._frames.pictures:
            now, then = of_bundle.trace(picture, box=box), of_measured.trace(picture, box=box)
            scores = now.detection.scores, then.detection.scores
            if not (np.array_equal(now.landmarks, then.landmarks) and np.array_equal(*scores)):
                raise ConversionError("the bundle does not answer as what was measured; run the search again")

    def _explain(self, trials: Sequence[Trial], front: Sequence[Trial], choice: Trial | None) -> None:
        """What those that were measured on all pictures are."""
        for trial in trials:
            candidate = trial.candidate
            words = []
            if choice is not None and candidate == choice.candidate:
                words.append("chosen")
            if trial in front:
                words.append("Pareto set")
            if candidate in self._store.refused:
                words.append(f"refused: {self._store.refused[candidate].splitlines()[0]}")
            misses = self._setup.budgets.misses(trial)
            words += ["over: " + ", ".join(miss.short() for miss in misses)] if misses else []
            self._reasons[candidate] = "; ".join(words) or "within the budgets"

    def _plain(self, environment: Environment) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.to_builtins(environment)
        engines = {name: load_engine(name).version for name in self._setup.space.engines}
        return {key: value for key, value in found.items() if key not in ("threads", "repeats")} | {"engines": engines}
